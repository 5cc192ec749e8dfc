import type { News } from '../batch/hand.ts'

/** How a machine stands when it thinks about its answer. */
export interface Standing {
  /** everything that it has is staged */
  isEmpty: boolean
  hasIdleSlots: boolean
  news: News
  /** since the turn began */
  seconds: number
}

// 3 turns: who has an idle slot asks for more, even when it has nothing to show; not so often that asking costs more than the slot.
const TURNS_WITHOUT_NEWS = 3

/** Whether a machine answers now, and builds on: when others wait for what it has staged, or when it could build more than it has. */
export function isAnswerDue(
  { isEmpty, hasIdleSlots, news, seconds }: Standing,
  turnSeconds: number,
): boolean {
  if (isEmpty) return true
  if (seconds < turnSeconds) return false
  if (news.isAwaited) return true
  return hasIdleSlots && (news.staged > 0 || seconds >= TURNS_WITHOUT_NEWS * turnSeconds)
}
