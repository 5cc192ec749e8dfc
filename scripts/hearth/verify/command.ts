import { type Command, InvalidArgumentError } from 'commander'
import { currentConfig } from '../../../functions/shared/config.ts'
import { currentKeys } from '../../../functions/shared/verification/current-keys.ts'
import type { RepairRequest, RepairResult } from '../../../functions/shared/verification/repair-request.ts'
import type { Deployment } from '../deployment.ts'
import { runExecution } from '../follow-execution.ts'
import { Inventory } from './inventory.ts'
import { showProgress } from './progress.ts'
import { type Repair, repairCache } from './repair-cache.ts'
import { jsonReport, type Report, textReport, writerOf } from './report.ts'
import { type Verification, verifyCache } from './verify-cache.ts'

export interface VerifyOptions {
  content?: boolean
  repair?: boolean
  force?: boolean
  prefix?: string
}

/** Adds `hearth verify`. */
export function addVerifyCommand(
  hearth: Command,
  deployment: () => Promise<Deployment>,
  asJson: () => boolean,
): void {
  hearth
    .command('verify')
    .description('look at everything in the cache; exit 1 if anything is wrong')
    .option('--content', 'download every NAR, and compare its bytes with its narinfo')
    .option(
      '--repair',
      'move narinfos that are broken out of clients’ sight, with everything that refers to them',
    )
    .option('--force', 'repair although that takes more than one narinfo in twenty')
    .option('--prefix <digits>', 'only narinfos whose name begins so', hashPartPrefix)
    .action(async (options: VerifyOptions, command: Command) => {
      if (options.repair === true && options.prefix !== undefined)
        command.error('error: --repair needs all references, and --prefix leaves most of them out')
      process.exitCode = await verify(await deployment(), options, asJson())
    })
}

function hashPartPrefix(text: string): string {
  if (/^[0-9abcdfghijklmnpqrsvwxyz]{1,32}$/.test(text)) return text
  throw new InvalidArgumentError('expected 1 to 32 digits of nix32 (no e, o, t, u)')
}

/** `hearth verify`. Returns the exit code: 0 when nothing is wrong, or not any more. */
async function verify(deployment: Deployment, options: VerifyOptions, json: boolean): Promise<number> {
  const { state, cacheBucket, sfn, repairStateMachine } = deployment
  const { config } = await currentConfig(state)
  const write = writerOf(process.stdout)
  const verification: Verification = {
    cache: { s3: state.s3, name: cacheBucket },
    state,
    upstreams: config.upstreams,
    keys: await currentKeys(state),
    content: options.content ?? false,
    prefix: options.prefix,
    progress: showProgress(process.stderr),
  }
  const ask = async (request: RepairRequest): Promise<RepairResult[]> =>
    (await runExecution<{ results: RepairResult[] }>(sfn, repairStateMachine, 'verify', request)).results
  const report = json ? jsonReport(write) : textReport(write)
  return (await verifyAndReport(
    verification,
    report,
    options.repair === true ? { ask, force: options.force ?? false } : undefined,
  ))
    ? 0
    : 1
}

/**
 * Looks, reports, has it repaired if asked, and looks again: what was published meanwhile may refer to what went.
 * @returns whether nothing is wrong (any more)
 */
export async function verifyAndReport(
  verification: Verification,
  report: Report,
  repair?: Pick<Repair, 'ask' | 'force'>,
): Promise<boolean> {
  const { prefix, content, cache } = verification
  const look = { bucket: cache.name, prefix, content }
  const first = new Inventory()
  try {
    const counts = await verifyCache(first, verification)
    await report.looked({ ...look, counts }, first)
    const isClean = Object.keys(first.faultCounts()).length === 0
    if (isClean || repair === undefined) {
      await report.end()
      return isClean
    }
    await repairCache(first, counts.narinfos, {
      ...verification,
      ...repair,
      onResult: (result) => report.repaired(result),
    })
  } finally {
    first.close()
  }
  const second = new Inventory()
  try {
    // what bytes were wrong is out of sight now, and downloading everything again would find nothing else
    const counts = await verifyCache(second, { ...verification, content: false })
    await report.lookedAgain({ ...look, content: false, counts }, second)
    await report.end()
    return Object.keys(second.faultCounts()).length === 0
  } finally {
    second.close()
  }
}
