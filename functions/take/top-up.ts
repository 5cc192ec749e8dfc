import type { Schedule } from '../shared/contract.ts'
import type { LaneSettings, Progress } from './choose-batch.ts'
import type { Frontier } from './frontier.ts'
import { growBatch } from './grow-batch.ts'
import { shareOf } from './share.ts'

/**
 * What a lane is given beside what its machine has in hand, when what is finished is published meanwhile: what the machine would begin soon. The more is
 * ready, the further it looks ahead, and the less often it has to ask; when little is ready, it leaves to others what it cannot begin at once.
 */
export function chooseTopUp(
  schedule: Schedule,
  frontier: Frontier,
  progress: Progress,
  settings: LaneSettings,
): number[] {
  const { lanes, slots, handOverSeconds, reserveSeconds, mostDerivations } = settings
  // half of a lane's part: the other half evens out what takes longer than expected
  const part = frontier.readySeconds / (lanes * slots) / 2
  const ahead = Math.min(Math.max(part, handOverSeconds), reserveSeconds)
  return growBatch(schedule, frontier, {
    slots,
    mostDerivations,
    shareSeconds: shareOf(frontier, progress, settings),
    starving: 0,
    hand: progress.hand,
    admits: (_, start) => start <= ahead,
  }).positions
}
