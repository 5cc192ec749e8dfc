import { expect, test } from 'vitest'
import { isAnswerDue, type Standing } from '../../../builders/serve/answer-due.ts'

const busy: Standing = {
  isEmpty: false,
  hasIdleSlots: false,
  news: { staged: 0, isAwaited: false },
  seconds: 0,
}
const some = { staged: 1, isAwaited: false }
const awaited = { staged: 1, isAwaited: true }

test.each<[string, Partial<Standing>, boolean]>([
  ['everything is staged', { isEmpty: true }, true],
  ['others wait for what is staged, but the turn is young', { news: awaited, seconds: 19.9 }, false],
  ['others wait for what is staged', { news: awaited, seconds: 20 }, true],
  [
    'something is staged, nobody waits for it, and there is enough to do',
    { news: some, seconds: 3600 },
    false,
  ],
  ['something is staged, and a slot is idle', { news: some, hasIdleSlots: true, seconds: 20 }, true],
  ['a slot is idle, and nothing is staged', { hasIdleSlots: true, seconds: 59.9 }, false],
  ['a slot has been idle for long', { hasIdleSlots: true, seconds: 60 }, true],
  ['nothing is staged, and there is enough to do', { seconds: 3600 }, false],
])('a machine answers when %s: %#', (_, standing, expected) => {
  expect(isAnswerDue({ ...busy, ...standing }, 20)).toBe(expected)
})
