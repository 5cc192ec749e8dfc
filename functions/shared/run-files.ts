import { parseBatchId } from './batch-id.ts'
import type { BatchOutcome, BuildJob, DerivationOutcome, RunId, WavePlan } from './contract.ts'
import { stateKeys } from './keys.ts'
import { type ListedObject, objectsUnder } from './list-objects.ts'
import { type Bucket, findJson, readJson } from './objects.ts'

/** A batch of a run, with what Publish said of it; nothing when neither builder nor Publish left a word. */
export interface TriedBatch {
  job: BuildJob
  outcome: BatchOutcome | undefined
}

/** The plans of a run, wave by wave, up to a wave (inclusive) or as many as there are. */
export async function readPlans(
  state: Bucket,
  run: RunId,
  upTo = Number.POSITIVE_INFINITY,
): Promise<WavePlan[]> {
  const plans: WavePlan[] = []
  for (let wave = 1; wave <= upTo; wave++) {
    const plan = await findJson<WavePlan>(state, stateKeys.plan(run, wave))
    if (plan === undefined) break
    plans.push(plan)
  }
  return plans
}

// A run's files are looked at again and again, by functions that live on between two calls: 4 runs of 1,000 batches are some 40 MB.
const RUNS = 4
const known = new Map<RunId, Map<string, { etag: string; value: unknown }>>()

/**
 * Every batch that a run's lanes took, in the order in which they took them. Files that have not changed since the last call are not read again.
 */
export async function readBatches(state: Bucket, run: RunId): Promise<TriedBatch[]> {
  const seen = known.get(run) ?? new Map<string, { etag: string; value: unknown }>()
  known.delete(run)
  known.set(run, seen)
  for (const oldest of [...known.keys()].slice(0, -RUNS)) known.delete(oldest)
  const [batches, outcomes] = await Promise.all([
    objectsUnder(state, stateKeys.batches(run)),
    objectsUnder(state, stateKeys.outcomes(run)),
  ])
  const read = async <T>(key: string, listed: ListedObject | undefined): Promise<T | undefined> => {
    if (listed === undefined) return undefined
    const before = seen.get(key)
    if (before?.etag === listed.etag) return before.value as T
    const value = await readJson<T>(state, key)
    seen.set(key, { etag: listed.etag, value })
    return value
  }
  const tried = await Promise.all(
    [...batches].map(async ([key, listed]): Promise<(TriedBatch & { taken: number })[]> => {
      const outcomeKey = stateKeys.outcomes(run) + key.slice(stateKeys.batches(run).length)
      const [job, outcome] = await Promise.all([
        read<BuildJob>(key, listed),
        read<BatchOutcome>(outcomeKey, outcomes.get(outcomeKey)),
      ])
      return job === undefined ? [] : [{ job, outcome, taken: listed.modified.getTime() }]
    }),
  )
  const ordered = tried.flat().toSorted((one, other) => {
    const [a, b] = [parseBatchId(one.job.batch), parseBatchId(other.job.batch)]
    // Numbers count within a lane: one that has just begun its second batch may be later than another one's tenth.
    return a.wave - b.wave || one.taken - other.taken || a.number - b.number
  })
  return ordered.map(({ job, outcome }) => ({ job, outcome }))
}

/** Whether a cache has the outputs of a derivation now. */
export function hasCome(derivation: DerivationOutcome | undefined): boolean {
  return derivation?.outcome === 'published' || derivation?.outcome === 'already-published'
}

/** Whether some build of a derivation stands: this one, or another one that was first. */
export function stands(derivation: DerivationOutcome): boolean {
  return hasCome(derivation) || derivation.outcome === 'not-reproducible'
}

/** Whether Publish has said its last word about a batch: when its time runs out, it writes down what it has. */
export function isFinished({ job, outcome }: TriedBatch): boolean {
  return outcome !== undefined && outcome.derivations.length >= job.derivations.length
}
