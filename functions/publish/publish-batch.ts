import pLimit from 'p-limit'
import { baseNameOf, type StorePath } from '../../nix/store-path.ts'
import type { BatchDerivation, DerivationOutcome } from '../shared/contract.ts'
import { describeError, HearthError } from '../shared/errors.ts'
import { stagedKeys } from '../shared/keys.ts'
import { objectsUnder } from '../shared/list-objects.ts'
import { boundedWords } from './bounded-words.ts'
import { outcomeOfFailure } from './not-built.ts'
import { openParcels } from './parcels.ts'
import type { Publication } from './publication.ts'
import { publishDerivation, resumePublication } from './publish-derivation.ts'
import { NotReproducible } from './refusals.ts'
import { findStagedResult } from './staged-result.ts'

// 32 derivations at once: each is three requests one after the other, some 60 ms of waiting for S3 and 1 ms of work. Their large NARs take turns (`Publication.largeNars`).
const AT_ONCE = 32

/** A batch that a machine has in hand, or had. */
export interface StagedBatch {
  build: Omit<Publication, 'parcels'>
  /** inputs before what needs them */
  derivations: BatchDerivation[]
  /** what an earlier call has finished; it is not done again */
  before: DerivationOutcome[]
}

export interface PublishBounds {
  /** what to say of a derivation of which the builder said nothing; undefined while it still works: such a derivation is left alone */
  lost: string | undefined
  /** whether there is time for one more derivation; asked before each but the first, so that every call gets on */
  mayBegin?: () => boolean
}

/** How far batches have got. */
export interface HandProgress {
  /** of each batch, in its order */
  outcomes: DerivationOutcome[][]
  /** what could be done at once was not begun, for lack of time */
  isOutOfTime: boolean
  /** Publish's own failure, which is nobody's outcome: the rest must be tried again */
  failure?: unknown
}

/**
 * Publishes what one build staged, each derivation after those that it needs, and says of every derivation what became of it.
 * @param batches in the order in which the machine was given them: a derivation may need others of its own batch and of earlier ones
 */
export async function publishBatches(
  batches: StagedBatch[],
  { lost, mayBegin = () => true }: PublishBounds,
): Promise<HandProgress> {
  const limit = pLimit(AT_ONCE)
  const failures: unknown[] = []
  let begun = 0
  let isOutOfTime = false

  async function begin(publication: Publication, drvPath: StorePath): Promise<DerivationOutcome | undefined> {
    if (failures.length > 0) return undefined
    if (begun > 0 && !mayBegin()) {
      isOutOfTime = true
      return undefined
    }
    begun++
    try {
      return boundedWords(await publishOne(publication, drvPath, lost ?? ''))
    } catch (error) {
      failures.push(error)
      return undefined
    }
  }

  const finished = new Map<StorePath, Promise<DerivationOutcome | undefined>>()
  const outcomes: Promise<DerivationOutcome[]>[] = []
  for (const batch of batches) {
    const { derivations, before } = batch
    for (const outcome of before) finished.set(outcome.drvPath, Promise.resolve(outcome))
    const left = derivations.filter(({ drvPath }) => !finished.has(drvPath))
    const parcels = await openParcels(batch.build.staging, batch.build.prefix, batches.length)
    const publication = { ...batch.build, parcels }
    const isSaid = lost === undefined ? await saidIn(publication) : () => true
    // Inputs stand before what needs them, so every promise that is awaited here exists already.
    for (const { drvPath, needs } of left) {
      const awaited = Promise.all(needs.flatMap((need) => finished.get(need) ?? []))
      const one = awaited.then((needed) => {
        // What waits for something that was not begun is left for another call, too.
        const isLeft = needed.includes(undefined) || !isSaid(drvPath)
        return isLeft ? undefined : limit(() => begin(publication, drvPath))
      })
      finished.set(drvPath, one)
    }
    const all = Promise.all(derivations.map(async ({ drvPath }) => finished.get(drvPath)))
    outcomes.push(all.then((some) => some.flatMap((outcome) => outcome ?? [])))
  }
  return {
    outcomes: await Promise.all(outcomes),
    isOutOfTime,
    ...(failures.length > 0 ? { failure: failures[0] } : {}),
  }
}

/** Of which derivations the builder has left a result. */
async function saidIn({ staging, prefix, parcels }: Publication): Promise<(drvPath: StorePath) => boolean> {
  const alone = await objectsUnder(staging, stagedKeys.results(prefix))
  return (drvPath) => {
    const key = stagedKeys.result(prefix, baseNameOf(drvPath))
    return parcels.has(key) || alone.has(key)
  }
}

async function publishOne(
  publication: Publication,
  drvPath: StorePath,
  lost: string,
): Promise<DerivationOutcome> {
  try {
    const result = await findStagedResult(publication, drvPath)
    if (result?.status === 'built')
      return {
        drvPath,
        seconds: result.seconds,
        ...(await publishDerivation(publication, drvPath, result)),
      }
    const resumed = await resumePublication(publication, drvPath)
    return resumed === undefined
      ? await outcomeOfFailure(publication, drvPath, result, lost)
      : { drvPath, ...resumed }
  } catch (error) {
    // What is wrong with this derivation must not stop the others; anything else is Publish's own failure, and the state is run again.
    if (!(error instanceof HearthError) || error.name === 'UpstreamUnavailable') throw error
    const told = { ...describeError(error), retryable: error.retryable }
    return error instanceof NotReproducible
      ? { drvPath, outcome: 'not-reproducible', error: told, differences: error.differences }
      : { drvPath, outcome: 'refused', error: told }
  }
}
