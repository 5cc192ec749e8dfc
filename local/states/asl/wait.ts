import type { WaitState } from './definition.ts'
import type { Json } from './json.ts'
import type { Completion } from './run.ts'
import { isTimestamp } from './timestamp.ts'
import type { Visit } from './visit.ts'

/** Wait: until so many seconds after it was entered, or until a point in time. Also after a restart it ends when it would have ended. */
export async function runWait(visit: Visit<WaitState>): Promise<Completion> {
  const { state, frame, entered } = visit
  const { clock } = frame.run
  const seconds = await visit.wholeNumber('Seconds', state.Seconds, 0, 99_999_999)
  const end = seconds === undefined ? await timestamp(visit) : entered.getTime() + seconds * 1000
  await clock.sleep(Math.max(0, end - clock.now().getTime()), frame.signal)
  return visit.leave(state, state.Next, visit.input)
}

const isTime = (value: Json): value is string => typeof value === 'string' && isTimestamp(value)

async function timestamp(visit: Visit<WaitState>): Promise<number> {
  return Date.parse(
    await visit.evaluateAs(
      'Timestamp',
      visit.state.Timestamp ?? null,
      isTime,
      'a timestamp like 2016-08-18T17:33:00Z',
    ),
  )
}
