import type { Schedule } from '../shared/contract.ts'

/** What is looked up in a schedule again and again; by position. */
export interface ScheduleIndex {
  /** the other direction of `needs` */
  dependents: number[][]
  /** all positions, the longest path first */
  byPath: Int32Array
  /** where a position stands in `byPath` */
  rank: Int32Array
}

const known = new WeakMap<Schedule, ScheduleIndex>()

/** Made once for a schedule, which never changes. */
export function indexOf(schedule: Schedule): ScheduleIndex {
  const found = known.get(schedule)
  if (found !== undefined) return found
  const { derivations } = schedule
  const dependents: number[][] = derivations.map(() => [])
  for (const [position, { needs }] of derivations.entries())
    for (const need of needs) dependents[need]?.push(position)
  const path = (position: number): number => derivations[position]?.path ?? 0
  const byPath = Int32Array.from(derivations.keys()).sort(
    (one, other) => path(other) - path(one) || one - other,
  )
  const rank = new Int32Array(derivations.length)
  for (const [index, position] of byPath.entries()) rank[position] = index
  const index = { dependents, byPath, rank }
  known.set(schedule, index)
  return index
}
