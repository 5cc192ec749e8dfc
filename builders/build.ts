import type { S3Client } from '@aws-sdk/client-s3'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { StorePath } from '../nix/store-path.ts'
import { importArchive } from './machine/archive.ts'
import { blockedBy, type PlannedDerivation, readBatch } from './batch/batch.ts'
import { BuildQueue } from './batch/build-queue.ts'
import { ArchiveRefused, BatchIncomplete } from './machine/errors.ts'
import { fetchInputs } from './batch/fetch-inputs.ts'
import type { Workshop } from './machine/workshop.ts'
import type { BuildTask } from './machine/job.ts'
import { LocalStore } from './machine/local-store.ts'
import { stoppedBy } from './machine/processes.ts'
import { Progress } from './batch/progress.ts'
import { type BuildsEnding, runBuilds } from './batch/run-builds.ts'
import type { RunMemory } from './batch/run-memory.ts'
import type { Sandbox } from './machine/settings.ts'
import { Uploader } from './batch/uploader.ts'

/** What a build needs beyond what an evaluation needs. */
export interface BuildWorkshop extends Workshop {
  s3: S3Client
  stateBucket: string
  cacheBucket: string
  sandbox: Sandbox
  zstdLevel: number
  memory: RunMemory
  buildsAtOnce: number
  /** ends what is being built; what is built is still staged */
  stop: AbortSignal
}

/**
 * Build: a batch to staged, unsigned NARs and a result for each derivation, each staged as soon as it is built.
 * @throws ArchiveRefused before anything is built
 * @throws BatchIncomplete when a derivation has no result: it is neither built nor failed, or could not be staged. All the others are staged
 * @throws BuilderStopped likewise, when it was told to stop
 */
export async function build(job: BuildTask, workshop: BuildWorkshop): Promise<void> {
  const { environment, folder, say, stop } = workshop
  const store = new LocalStore(environment)
  const grace = endOfGrace(stop)
  const prepared = await stoppedBy(stop, async () => prepare(job, store, workshop))
  const { batch, missing } = prepared
  const sources = await closureOfSources(prepared, store)
  const progress = new Progress(batch.length, say)
  const { built } = workshop.memory
  const inputsOf = async ({ drvPath }: PlannedDerivation) => (await built.inputsOf(drvPath)) ?? {}
  const uploader = new Uploader({ ...workshop, folder: folder.path, store, progress, inputsOf }, sources)
  const ready = leaveOut(batch, missing, (derivation, paths) => {
    progress.notTried(derivation, `no cache has ${paths.join(', ')}`)
    uploader.notTried(derivation, { status: 'input-missing', missing: paths })
  })
  const unexplained = await buildAndUpload(ready, prepared.usable, store, uploader, progress, workshop)
  const isAllStaged = await Promise.race([uploader.finish().then(() => true), grace])
  say(`${batch.length} derivations: ${uploader.summary()}`)
  const problems = [...uploader.problems, ...unexplained]
  if (stop.aborted && (!isAllStaged || problems.length > 0)) throw stop.reason
  if (problems.length > 0) throw new BatchIncomplete(`without a result:\n${problems.join('\n')}`)
}

// 25 s: whoever stops a machine for good gives it some 30 s from the signal on; AWS gives spot machines two minutes.
const GRACE_MILLISECONDS = 25_000

/** Resolves when a machine that was told to stop has had time enough; never, as long as nobody stops it. */
function endOfGrace(stop: AbortSignal): Promise<false> {
  const { promise, resolve } = Promise.withResolvers<false>()
  const begin = (): unknown => setTimeout(() => resolve(false), GRACE_MILLISECONDS).unref()
  if (stop.aborted) begin()
  else stop.addEventListener('abort', begin, { once: true })
  return promise
}

/** A batch whose inputs are in the store. */
interface Prepared {
  batch: PlannedDerivation[]
  /** what this machine has built before, and need not build again */
  usable: Set<PlannedDerivation>
  /** for each derivation that lacks some, the inputs that no cache has */
  missing: Map<StorePath, StorePath[]>
}

async function prepare(job: BuildTask, store: LocalStore, workshop: BuildWorkshop): Promise<Prepared> {
  const { s3, cacheBucket, memory, say } = workshop
  const { known, built } = memory
  const batch = await readImported(job, store, workshop)
  say(`batch ${job.batch} of ${batch.length} derivations for ${job.system}`)
  const { upstreams, publicKeys } = job
  const cache = { s3, name: cacheBucket }
  const usable = await built.takeUp(batch, store, async (paths) => known.find(paths, cache, upstreams))
  const toBuild = batch.filter((derivation) => !usable.has(derivation))
  const missing = await fetchInputs(toBuild, store, { ...workshop, publicKeys, upstreams, known })
  return { batch, usable, missing }
}

/** Once a machine has a derivation it has all that it needs: another batch of the same run imports nothing. */
async function readImported(
  job: BuildTask,
  store: LocalStore,
  { s3, stateBucket, folder, environment }: BuildWorkshop,
): Promise<PlannedDerivation[]> {
  const drvPaths = job.derivations.map(({ drvPath }) => drvPath)
  if ((await store.invalid(drvPaths)).size > 0) {
    const from = { s3, bucket: stateBucket, ...job.archive }
    await importArchive(from, join(folder.path, 'archive.zst'), environment)
  }
  const invalid = await store.invalid(drvPaths)
  if (invalid.size > 0) {
    throw new ArchiveRefused(
      `the evaluation's archive does not hold ${[...invalid].join(', ')}, which the batch builds`,
    )
  }
  return readBatch(job.derivations)
}

async function closureOfSources(
  { batch, usable, missing }: Prepared,
  store: LocalStore,
): Promise<Set<StorePath>> {
  const complete = batch.filter(({ drvPath }) => !missing.has(drvPath))
  const sources = complete.flatMap(({ sources }) => sources)
  const toBuild = complete.filter((derivation) => !usable.has(derivation))
  await store.preload([...new Set([...sources, ...toBuild.flatMap(({ inputs }) => inputs)])])
  return new Set((await store.closure([...new Set(sources)])).map(({ path }) => path))
}

/** Takes out what has a reason not to be built, and everything that needs it. @returns the others */
function leaveOut(
  batch: PlannedDerivation[],
  reasons: Map<StorePath, StorePath[]>,
  onLeftOut: (derivation: PlannedDerivation, because: StorePath[]) => void,
): PlannedDerivation[] {
  const blocked = blockedBy(batch, reasons)
  for (const { derivation, because } of blocked) onLeftOut(derivation, because)
  const leftOut = new Set(blocked.map(({ derivation }) => derivation))
  return batch.filter((derivation) => !leftOut.has(derivation))
}

/** @returns what is neither built nor failed, and why */
async function buildAndUpload(
  ready: PlannedDerivation[],
  usable: Set<PlannedDerivation>,
  store: LocalStore,
  uploader: Uploader,
  progress: Progress,
  { folder, environment, sandbox, memory, buildsAtOnce, stop }: BuildWorkshop,
): Promise<string[]> {
  const byPath = new Map(ready.map((derivation) => [derivation.drvPath, derivation]))
  const hookFolder = join(folder.path, 'hook')
  mkdirSync(hookFolder)
  const queue = new BuildQueue(hookFolder, (drvPath) => {
    const derivation = byPath.get(drvPath)
    if (derivation === undefined || uploader.has(drvPath)) return
    memory.built.add(derivation, store)
    uploader.built(derivation, progress.built(derivation))
  })
  const withPath = (drvPath: StorePath, tell: (derivation: PlannedDerivation) => void): void => {
    const derivation = byPath.get(drvPath)
    if (derivation !== undefined) tell(derivation)
  }
  const settings = { environment, sandbox, hook: queue.hook, buildsAtOnce, stop }
  const ending = await runBuilds(ready, store, settings, {
    started: (drvPath) => withPath(drvPath, (derivation) => progress.started(derivation)),
    failed: (drvPath, message) => withPath(drvPath, (derivation) => progress.failed(derivation, message)),
  }).finally(() => queue.close())
  const present = (derivation: PlannedDerivation): void => {
    // It was built just now, and its hook was not seen.
    if (!usable.has(derivation)) memory.built.add(derivation, store)
    progress.present(derivation)
    uploader.built(derivation, 0)
  }
  return settle(ready, ending, store, uploader, progress, present)
}

/** Decides by what is valid in the store, not by what Nix said, what was built. @returns what is neither built nor failed, and why */
async function settle(
  ready: PlannedDerivation[],
  { failures, unexplained = 'it lost an output' }: BuildsEnding,
  store: LocalStore,
  uploader: Uploader,
  progress: Progress,
  present: (derivation: PlannedDerivation) => void,
): Promise<string[]> {
  // What came from an earlier batch of this machine went through no hook.
  const invalid = await store.invalid(ready.flatMap(({ outputs }) => outputs))
  const unbuilt = ready.filter((derivation) => {
    if (derivation.outputs.some((path) => invalid.has(path))) return true
    if (!uploader.has(derivation.drvPath)) present(derivation)
    return false
  })
  const names = new Map(ready.map(({ drvPath, name }) => [drvPath, name]))
  const reasons = new Map([...failures.keys()].map((drvPath) => [drvPath, [drvPath]]))
  const rest = leaveOut(unbuilt, reasons, (derivation, because) => {
    const message = failures.get(derivation.drvPath)
    if (message !== undefined) return uploader.failed(derivation, message)
    const needed = because.map((drvPath) => names.get(drvPath) ?? drvPath)
    progress.notTried(derivation, `it needs ${needed.join(', ')}`)
    uploader.notTried(derivation, { status: 'dependency-failed', because })
  })
  return rest.map(({ name }) => `${name}: not built, and Nix does not say why: ${unexplained}`)
}
