import type { Schedule } from '../shared/contract.ts'

const known = new WeakMap<Schedule, number[][]>()

/** The other direction of `needs`: by position, what needs it. Made once for a schedule, which never changes. */
export function dependentsIn(schedule: Schedule): number[][] {
  const found = known.get(schedule)
  if (found !== undefined) return found
  const dependents: number[][] = schedule.derivations.map(() => [])
  for (const [position, { needs }] of schedule.derivations.entries())
    for (const need of needs) dependents[need]?.push(position)
  known.set(schedule, dependents)
  return dependents
}
