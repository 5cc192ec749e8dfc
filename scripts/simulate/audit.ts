import type { Schedule } from '../../functions/shared/contract.ts'
import type { BuildRecord } from './machine.ts'
import type { SimulatedRun } from './simulation.ts'
import type { Truth } from './world.ts'
import { whichAreTried } from './reference.ts'

/** What a simulated run did wrong: nothing, if the scheduler keeps its promises. Counted from the builders' own logs. */
export interface Audit {
  /** builds of what was built, or was being built, before: on a machine that had not died */
  duplicates: number
  /** builds that began before everything they need was there */
  premature: number
  /** derivations that could be built and were not */
  forgotten: number
  /** builds that a machine's death ended */
  lost: number
}

export function auditRun(schedule: Schedule, truth: Truth, run: SimulatedRun): Audit {
  const builds = Map.groupBy(run.builds, ({ position }) => position)
  const isTried = whichAreTried(schedule, truth)
  const audit: Audit = { duplicates: 0, premature: 0, forgotten: 0, lost: 0 }
  const arrivals = arrivalsOf(run)
  for (const records of builds.values()) {
    const inOrder = records.toSorted((one, other) => one.begin - other.begin)
    for (const [index, record] of inOrder.entries()) {
      const before = inOrder[index - 1]
      if (before !== undefined && (before.result !== 'lost' || before.end > record.begin)) audit.duplicates++
      if (record.result === 'lost') audit.lost++
      if (!isComplete(schedule, record, builds, arrivals)) audit.premature++
    }
  }
  for (const [position, tried] of isTried.entries()) {
    const wanted = truth.fails[position] === true ? 'failed' : 'built'
    const results = builds.get(position)?.filter(({ result }) => result === wanted) ?? []
    if (results.length !== (tried ? 1 : 0)) audit.forgotten++
  }
  return audit
}

/** When the outcome of each derivation was published. */
function arrivalsOf({ outcomes }: SimulatedRun): Map<number, number> {
  return new Map(outcomes.map(({ position, published }) => [position, published]))
}

/** Everything it needs was published before it began, or, unless that must be published, was built on the same machine. */
function isComplete(
  { derivations }: Schedule,
  { position, machine, begin }: BuildRecord,
  builds: Map<number, BuildRecord[]>,
  arrivals: Map<number, number>,
): boolean {
  const { needs = [], needsPublished = [] } = derivations[position] ?? {}
  return needs.every((need) => {
    if ((arrivals.get(need) ?? Infinity) <= begin) return true
    if (needsPublished.includes(need)) return false
    const made = builds.get(need) ?? []
    return made.some(
      (record) => record.machine === machine && record.result === 'built' && record.end <= begin,
    )
  })
}
