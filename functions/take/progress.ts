import type { StorePath } from '../../nix/store-path.ts'
import { failuresOf } from '../shared/attempts.ts'
import { parseBatchId } from '../shared/batch-id.ts'
import type { BatchId, Lane, Schedule, ScheduledDerivation, System } from '../shared/contract.ts'
import { stands, isFinished, type TriedBatch } from '../shared/run-files.ts'
import { type Passing, passingFailures } from './back-off.ts'
import type { Progress } from './choose-batch.ts'

/** How far a run is with a schedule. */
export interface RunProgress extends Pick<Progress, 'published' | 'taken' | 'out'> {
  /** what is to be tried again later, or on another machine */
  passing: Map<number, Passing>
  /** of each lane that has something in hand, what */
  hands: Map<LaneName, { lane: Lane; positions: Set<number> }>
}

/** A lane as a key. */
export type LaneName = `${System}-${number}`

export function nameOfLane({ system, slot }: Lane): LaneName {
  return `${system}-${slot}`
}

/** What else is known of a run. */
export interface Circumstances {
  /** what others have published since Plan looked */
  found: Set<StorePath>
  /** what others have tried in vain since */
  failed: Set<StorePath>
  /** systems of which no machine came in time */
  givenUp: Set<System>
  /** whether nobody works on a batch any more: what it is without an outcome is lost */
  isOver: (batch: BatchId) => boolean
}

/**
 * Plan has looked since the waves before: what was published then, and is scheduled all the same, no cache has.
 * @param batches of the whole run, in the order they were taken
 */
export function progressOf(
  schedule: Schedule,
  batches: TriedBatch[],
  { found, failed, givenUp, isOver }: Circumstances,
): RunProgress {
  const positions = new Map(schedule.derivations.map(({ drvPath }, position) => [drvPath, position]))
  const at = (drvPath: StorePath): number[] => {
    const position = positions.get(drvPath)
    return position === undefined ? [] : [position]
  }
  const published = new Set([...found].flatMap(at))
  const taken = new Set<number>()
  const tried: TriedBatch[] = []
  const hands: RunProgress['hands'] = new Map()
  for (const batch of batches) {
    const said = new Set<StorePath>()
    for (const derivation of batch.outcome?.derivations ?? []) {
      said.add(derivation.drvPath)
      if (batch.job.wave === schedule.wave && stands(derivation))
        for (const position of at(derivation.drvPath)) published.add(position)
    }
    if (isFinished(batch) || isOver(batch.job.batch)) {
      tried.push(batch)
      continue
    }
    tried.push(asFarAsItIs(batch, said))
    const { lane } = parseBatchId(batch.job.batch)
    const hand = hands.get(nameOfLane(lane)) ?? { lane, positions: new Set() }
    hands.set(nameOfLane(lane), hand)
    for (const { drvPath } of batch.job.derivations)
      if (!said.has(drvPath))
        for (const position of at(drvPath)) {
          taken.add(position)
          hand.positions.add(position)
        }
  }
  const failures = failuresOf(tried)
  // What a machine has already may come all the same.
  const isHopeless = ({ drvPath, system }: ScheduledDerivation, position: number): boolean =>
    failures.has(drvPath) || failed.has(drvPath) || (givenUp.has(system) && !taken.has(position))
  const passing = new Map(
    [...passingFailures(tried)].flatMap(([drvPath, one]) =>
      at(drvPath).map((position) => [position, one] as const),
    ),
  )
  return { published, taken, out: outOf(schedule, published, isHopeless), passing, hands }
}

/** The part of a batch of which something was said; the rest is still being built. */
function asFarAsItIs({ job, outcome }: TriedBatch, said: ReadonlySet<StorePath>): TriedBatch {
  return { job: { ...job, derivations: job.derivations.filter(({ drvPath }) => said.has(drvPath)) }, outcome }
}

/** What has failed for good or is waited for in vain, and what needs it. */
function outOf(
  { derivations }: Schedule,
  published: Set<number>,
  isHopeless: (derivation: ScheduledDerivation, position: number) => boolean,
): Set<number> {
  const out = new Set<number>()
  derivations.forEach((derivation, position) => {
    if (published.has(position)) return
    if (isHopeless(derivation, position) || derivation.needs.some((need) => out.has(need))) out.add(position)
  })
  return out
}

/** What nobody is building, and nothing forbids. */
export function leftOf({ derivations }: Schedule, { published, taken, out }: RunProgress): number[] {
  return [...derivations.keys()].filter(
    (position) => !published.has(position) && !taken.has(position) && !out.has(position),
  )
}
