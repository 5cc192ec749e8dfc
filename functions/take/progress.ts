import type { StorePath } from '../../nix/store-path.ts'
import type { BatchId, Schedule } from '../shared/contract.ts'
import { failuresOf } from '../shared/attempts.ts'
import { hasCome, isFinished, type TriedBatch } from '../shared/run-files.ts'

/** How far a schedule is, by position. */
export interface Progress {
  /** in a cache */
  published: Set<number>
  /** in a batch that a lane is working off at this moment */
  taken: Set<number>
  /** has failed, or needs something that has */
  out: Set<number>
}

/**
 * @param batches of the whole run, in the order they were taken
 * @param over batches whose lane has gone on to something else: what they left without an outcome is lost
 * @param found what another run has published meanwhile
 */
export function progressOf(
  schedule: Schedule,
  batches: TriedBatch[],
  over: Set<BatchId>,
  found: Set<StorePath>,
): Progress {
  const positions = new Map(schedule.derivations.map(({ drvPath }, position) => [drvPath, position]))
  const published = new Set<number>()
  const taken = new Set<number>()
  const add = (to: Set<number>, drvPath: StorePath): void => {
    const position = positions.get(drvPath)
    if (position !== undefined) to.add(position)
  }
  for (const drvPath of found) add(published, drvPath)
  const tried: TriedBatch[] = []
  for (const batch of batches) {
    const said = new Set<StorePath>()
    for (const derivation of batch.outcome?.derivations ?? []) {
      said.add(derivation.drvPath)
      if (hasCome(derivation)) add(published, derivation.drvPath)
    }
    if (isFinished(batch) || over.has(batch.job.batch)) tried.push(batch)
    else for (const { drvPath } of batch.job.derivations) if (!said.has(drvPath)) add(taken, drvPath)
  }
  const failures = failuresOf(tried)
  const out = new Set<number>()
  schedule.derivations.forEach(({ drvPath, needs }, position) => {
    if (published.has(position)) return
    if (failures.has(drvPath) || needs.some((need) => out.has(need))) out.add(position)
  })
  return { published, taken, out }
}

/** What nobody is building and nothing forbids: if a lane has none of its system, it is over. */
export function leftOf(schedule: Schedule, { published, taken, out }: Progress): number[] {
  return [...schedule.derivations.keys()].filter(
    (position) => !published.has(position) && !taken.has(position) && !out.has(position),
  )
}
