import pLimit from 'p-limit'
import type { StorePath } from '../../nix/store-path.ts'
import type { BatchDerivation, DerivationOutcome } from '../shared/contract.ts'
import { describeError, HearthError } from '../shared/errors.ts'
import { boundedWords } from './bounded-words.ts'
import { outcomeOfFailure } from './not-built.ts'
import { openParcels } from './parcels.ts'
import type { Publication } from './publication.ts'
import { publishDerivation, resumePublication } from './publish-derivation.ts'
import { NotReproducible } from './refusals.ts'
import { findStagedResult } from './staged-result.ts'

// 32 derivations at once: each is three requests one after the other, some 60 ms of waiting for S3 and 1 ms of work. Their large NARs take turns (`Publication.largeNars`).
const AT_ONCE = 32

/** How far a batch has got. */
export interface BatchProgress {
  /** in the order of the batch */
  outcomes: DerivationOutcome[]
  /** derivations that were not begun */
  left: number
  /** Publish's own failure, which is nobody's outcome: the rest must be tried again */
  failure?: unknown
}

/**
 * Publishes what one build staged, each derivation after those of its batch that it needs, and says of every derivation what became of it.
 * @param lost what to say of a derivation of which the builder said nothing
 * @param before what an earlier call has finished; it is not done again
 * @param mayBegin whether there is time for one more derivation; asked before each but the first, so that every call gets on
 */
export async function publishBatch(
  build: Omit<Publication, 'parcels'>,
  derivations: BatchDerivation[],
  lost: string,
  { before = [], mayBegin = () => true }: { before?: DerivationOutcome[]; mayBegin?: () => boolean } = {},
): Promise<BatchProgress> {
  const publication = { ...build, parcels: await openParcels(build.staging, build.prefix) }
  const limit = pLimit(AT_ONCE)
  const failures: unknown[] = []
  let begun = 0

  async function begin(drvPath: StorePath): Promise<DerivationOutcome | undefined> {
    if (failures.length > 0 || (begun > 0 && !mayBegin())) return undefined
    begun++
    try {
      return boundedWords(await publishOne(publication, drvPath, lost))
    } catch (error) {
      failures.push(error)
      return undefined
    }
  }

  const finished = new Map<StorePath, Promise<DerivationOutcome | undefined>>(
    before.map((outcome) => [outcome.drvPath, Promise.resolve(outcome)]),
  )
  // Plan lists inputs before what needs them, so every promise that is awaited here exists already.
  for (const { drvPath, needs } of derivations) {
    if (finished.has(drvPath)) continue
    const awaited = Promise.all(needs.flatMap((need) => finished.get(need) ?? []))
    const one = awaited.then((needed) =>
      // What waits for something that was not begun is left for the next call, too.
      needed.includes(undefined) ? undefined : limit(() => begin(drvPath)),
    )
    finished.set(drvPath, one)
  }
  const all = await Promise.all(derivations.map(async ({ drvPath }) => finished.get(drvPath)))
  const outcomes = all.flatMap((outcome) => outcome ?? [])
  return {
    outcomes,
    left: derivations.length - outcomes.length,
    ...(failures.length > 0 ? { failure: failures[0] } : {}),
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
