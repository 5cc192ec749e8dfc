import type { BuildAnswer, Schedule } from '../shared/contract.ts'
import type { Hand } from './choose-batch.ts'
import { indexOf } from './schedule-index.ts'

/**
 * What a machine has in hand, as far as it can be known without asking it: what it was building when it answered last goes on, the rest waits.
 * @param inHand positions of which nothing was said yet
 * @param since seconds since it answered
 */
export function handOf(
  { derivations }: Schedule,
  inHand: ReadonlySet<number>,
  building: BuildAnswer['building'],
  since: number,
): Hand {
  const begun = new Map(building.map(({ drvPath, seconds }) => [drvPath, seconds + since]))
  const running = new Map<number, number>()
  const queued: number[] = []
  for (const position of [...inHand].toSorted((one, other) => one - other)) {
    const derivation = derivations[position]
    if (derivation === undefined) continue
    const seconds = begun.get(derivation.drvPath)
    if (seconds === undefined) queued.push(position)
    else running.set(position, Math.max(0, derivation.seconds - seconds))
  }
  return { built: new Set(), running, queued }
}

/** Whether anything needs a derivation that is not to be built beside it. @param here what its machine has in hand */
export function isAwaited(schedule: Schedule, position: number, here: ReadonlySet<number>): boolean {
  return (indexOf(schedule).dependents[position] ?? []).some((dependent) => !here.has(dependent))
}
