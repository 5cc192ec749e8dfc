import { hashPartOf, type StorePath } from '../../nix/store-path.ts'
import type {
  BatchId,
  BatchOutcome,
  BuildJob,
  Claim,
  DerivationOutcome,
  RunId,
  ScheduledDerivation,
} from '../shared/contract.ts'
import { stateKeys } from '../shared/keys.ts'
import { type Bucket, claimJson, findJson, findObject } from '../shared/objects.ts'
import type { RememberedFailure } from '../shared/records.ts'
import { stands } from '../shared/run-files.ts'

/** What became of the wish to build a derivation. */
export type Claimed =
  | { verdict: 'mine' }
  /** somebody has built it meanwhile: the caches have it */
  | { verdict: 'found' }
  /** somebody has tried it since this run began, and it fails for a reason of its own */
  | { verdict: 'failed' }
  /** somebody is building it */
  | { verdict: 'busy'; claim: Claim }

/** Who asks, and how it learns whether others are still there. */
export interface Claimant {
  run: RunId
  batch: BatchId
  /** ISO 8601 */
  now: string
  /** when this run began, ISO 8601 */
  started: string
  /** whether the execution of a run still runs */
  isRunning: (run: RunId) => Promise<boolean>
  /** whether the lane that took a batch of this run has gone on to something else */
  isOver: (batch: BatchId) => boolean
  /** whether Plan has looked for a derivation after somebody was found to have built it, and no cache had it */
  isGone: (drvPath: StorePath, claim: Claim) => boolean
}

// A claim of some hundred bytes.
const LIMIT = 64 * 1024
// 2 minutes between claiming and writing down the batch: Take needs seconds, and is killed after 60.
const UNWRITTEN_MS = 2 * 60 * 1000
// Others may take a void claim over at the same moment. After 5 losses the path is somebody else's.
const TRIES = 5

/**
 * Claims the outputs of a derivation for one batch: of everybody who asks at once, in this run or in another, one gets it. A claim whose builder
 * or run has ended is void, and is taken over.
 */
export async function claim(
  state: Bucket,
  { drvPath, outputs }: ScheduledDerivation,
  claimant: Claimant,
): Promise<Claimed> {
  const key = stateKeys.claim(hashPartOf(firstOutput(outputs, drvPath)))
  const { run, batch, now } = claimant
  const mine: Claim = { version: 1, drvPath, run, batch, claimed: now }
  let other = mine
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (await claimJson(state, key, mine)) return { verdict: 'mine' }
    const found = await findObject(state, key, LIMIT)
    if (found === undefined) continue
    other = JSON.parse(Buffer.from(found.bytes).toString('utf8')) as Claim
    if (other.run === run && other.batch === batch) return { verdict: 'mine' }
    const age = Date.parse(now) - found.lastModified.getTime()
    const standing = await standingOf(state, other, age, claimant)
    if (standing === 'found' && !claimant.isGone(drvPath, other)) return { verdict: 'found' }
    if (standing === 'busy') return { verdict: 'busy', claim: other }
    if (standing === 'failed' && other.drvPath === drvPath) return { verdict: 'failed' }
    if (await claimJson(state, key, mine, found.etag)) return { verdict: 'mine' }
  }
  return { verdict: 'busy', claim: other }
}

/** Claims are keyed by output path, not by derivation: different derivations can own the same one. */
function firstOutput(outputs: ScheduledDerivation['outputs'], drvPath: StorePath): StorePath {
  return Object.values(outputs).toSorted()[0] ?? drvPath
}

async function standingOf(
  state: Bucket,
  { run, batch, drvPath }: Claim,
  age: number,
  claimant: Claimant,
): Promise<'found' | 'busy' | 'failed' | 'void'> {
  // Asked before the outcome is read: who has ended by then has left its last word.
  const isOver = run === claimant.run ? claimant.isOver(batch) : !(await claimant.isRunning(run))
  const outcome = await findJson<BatchOutcome>(state, stateKeys.outcome(run, batch))
  const said = outcome?.derivations.find((derivation) => derivation.drvPath === drvPath)
  if (said !== undefined && stands(said)) return 'found'
  if (said !== undefined) return (await hasFailedSince(state, said, run, claimant)) ? 'failed' : 'void'
  if (isOver) return 'void'
  const job = await findJson<BuildJob>(state, stateKeys.batch(run, batch))
  // A Take that died between claiming and writing down its batch built nothing.
  if (job === undefined) return age > UNWRITTEN_MS ? 'void' : 'busy'
  return job.derivations.some((derivation) => derivation.drvPath === drvPath) ? 'busy' : 'void'
}

/** Whether another run's build has failed for a reason of its own since this run began. What failed before, Plan has left out, or somebody has asked to try it again. */
async function hasFailedSince(
  state: Bucket,
  { drvPath, outcome, error }: DerivationOutcome,
  run: RunId,
  claimant: Claimant,
): Promise<boolean> {
  if (run === claimant.run || outcome !== 'failed' || error?.retryable !== false) return false
  const known = await findJson<RememberedFailure>(state, stateKeys.failure(hashPartOf(drvPath)))
  return known !== undefined && Date.parse(known.failed) > Date.parse(claimant.started)
}
