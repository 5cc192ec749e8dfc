import type { StorePath } from '../../nix/store-path.ts'
import { blockedBy, type PlannedDerivation } from './batch.ts'
import { buildFailures, startedDerivation } from './build-messages.ts'
import type { LocalStore } from '../machine/local-store.ts'
import { lastError } from '../machine/nix-errors.ts'
import { options } from '../machine/nix-command.ts'
import { eachLine, startProcess, stoppedBy } from '../machine/processes.ts'
import type { Sandbox } from '../machine/settings.ts'

// What a command line holds; see `portions`. One Nix schedules better than two, so it is as many as possible.
const DERIVATIONS_PER_COMMAND = 4000

/** How Nix builds here. */
export interface BuildSettings {
  environment: Record<string, string>
  sandbox: Sandbox
  /** path of the post-build-hook */
  hook: string
  buildsAtOnce: number
  /** ends what is being built, and begins nothing more; what had not failed by then has not failed */
  stop: AbortSignal
}

/** How a batch ended, apart from what was built. */
export interface BuildsEnding {
  /** why each derivation failed that failed by itself */
  failures: Map<StorePath, string>
  /** what Nix said last, when it gave up without saying which derivation is to blame; what is not built then has not failed */
  unexplained?: string
}

/** What Nix tells while it builds. */
export interface BuildEvents {
  started(drvPath: StorePath): void
  failed(drvPath: StorePath, message: string): void
}

/**
 * Builds derivations whose inputs are all there, and keeps going when one fails. Nix fetches nothing meanwhile, so it can build nothing else than what it is given.
 *
 * Some failures make Nix give up altogether, in spite of --keep-going: 2.8 does so when a derivation needs a feature or a system that this machine does not
 * have. Then it is started again with what is left.
 */
export async function runBuilds(
  derivations: PlannedDerivation[],
  store: LocalStore,
  settings: BuildSettings,
  events: BuildEvents,
): Promise<BuildsEnding> {
  const owners = new Map(
    derivations.flatMap(({ drvPath, outputs }) => outputs.map((path) => [path, drvPath])),
  )
  const planned = new Set(derivations.map(({ drvPath }) => drvPath))
  const failures = new Map<StorePath, string>()
  const { stop } = settings
  const onError = (text: string): void => {
    if (stop.aborted) return
    for (const { drvPath, message } of buildFailures(text, owners)) {
      if (!planned.has(drvPath) || failures.has(drvPath)) continue
      failures.set(drvPath, message)
      events.failed(drvPath, message)
    }
  }
  for (let left = await unfinished(derivations, store, failures); left.length > 0;) {
    if (stop.aborted) return { failures, unexplained: 'the builder was stopped' }
    const portion = left.slice(0, DERIVATIONS_PER_COMMAND)
    const lastWords = await stoppedBy(stop, async () => realise(portion, settings, events, onError))
    const before = left.length
    left = await unfinished(derivations, store, failures)
    if (left.length === before && !stop.aborted)
      return { failures, unexplained: lastWords || 'Nix ended without a message' }
  }
  return { failures }
}

/** What is not built, and not known to be impossible. */
async function unfinished(
  derivations: PlannedDerivation[],
  store: LocalStore,
  failures: Map<StorePath, string>,
): Promise<StorePath[]> {
  const invalid = await store.invalid(derivations.flatMap(({ outputs }) => outputs))
  const blame = new Map([...failures.keys()].map((drvPath) => [drvPath, [drvPath]]))
  const blocked = new Set(blockedBy(derivations, blame).map(({ derivation }) => derivation.drvPath))
  return derivations
    .filter(({ outputs }) => outputs.some((path) => invalid.has(path)))
    .map(({ drvPath }) => drvPath)
    .filter((drvPath) => !blocked.has(drvPath))
}

// A line of somebody's log, quoted in an error, can be of any length.
const LONGEST_LINE = 10_000

/**
 * @param onError gets every error with the indented lines below it, as soon as it is complete
 * @returns Nix's last error. Its exit status says nothing about which derivation failed, and is not needed.
 */
async function realise(
  drvPaths: StorePath[],
  { environment, sandbox, hook, buildsAtOnce }: BuildSettings,
  events: BuildEvents,
  onError: (text: string) => void,
): Promise<string> {
  const flags = options({
    sandbox,
    'sandbox-fallback': 'false',
    substituters: '',
    builders: '',
    'max-jobs': String(buildsAtOnce),
    'post-build-hook': hook,
  })
  // --no-build-output: what builders write goes to the log only, and cannot pose as Nix's own words here.
  const args = [...flags, '--realise', '--keep-going', '--no-build-output', ...drvPaths]
  const child = startProcess('nix-store', args, { environment })
  let error: string[] = []
  let lastWords = ''
  const endError = (): void => {
    if (error.length === 0) return
    const text = error.join('\n')
    error = []
    onError(text)
    lastWords = lastError(text)
  }
  await Promise.all([
    child.ended,
    eachLine(child.stdout, () => {}),
    eachLine(child.stderr, (line) => {
      const isIndented = line === '' || /^\s/.test(line)
      if (!isIndented) endError()
      if (line.startsWith('error:') || (isIndented && error.length > 0))
        error.push(line.slice(0, LONGEST_LINE))
      const started = startedDerivation(line)
      if (started !== undefined) events.started(started)
    }),
  ])
  endError()
  return lastWords
}
