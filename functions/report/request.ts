import * as z from 'zod/mini'
import { readFailure } from './failure.ts'
import type { Ending } from './summary.ts'

const Failure = z.object({ Error: z.optional(z.string()), Cause: z.optional(z.string()) })

// From the state machine itself.
const FromState = z.object({
  run: z.string(),
  input: z.unknown(),
  ending: z.object({
    verdict: z.enum(['done', 'stuck', 'superseded', 'unchanged', 'ignored', 'failed']),
    reason: z.optional(z.string()),
    failure: z.optional(Failure),
  }),
  // GitHub or EventBridge could not be told, although it was tried again and again: the error's name
  untold: z.optional(z.string()),
})

// From the state machine, when there is work to do.
const FromStart = z.object({ run: z.string(), began: z.literal(true) })

// From the state machine when a wave is planned, and from a lane that is over, while others work.
const FromLane = z.object({ run: z.string(), wave: z.number() })

// From EventBridge. Source: Step Functions developer guide, "Execution status change".
const FromEvent = z.object({
  'detail-type': z.literal('Step Functions Execution Status Change'),
  detail: z.object({
    name: z.string(),
    status: z.enum(['FAILED', 'TIMED_OUT', 'ABORTED']),
    input: z.nullish(z.string()),
    error: z.nullish(z.string()),
    cause: z.nullish(z.string()),
  }),
})

/**
 * Report is asked by its states: when a run begins, when a wave is planned, when a lane is over, and when the run is; and by EventBridge for what a state
 * machine cannot catch inside itself.
 */
export const ReportRequest = z.union([FromState, FromEvent, FromLane, FromStart])
export type ReportRequest = z.output<typeof ReportRequest>
/** That a run has ended. */
export type EndingRequest = z.output<typeof FromState> | z.output<typeof FromEvent>

export interface Reported {
  run: string
  input: unknown
  ending: Ending
  /** whether the state machine itself is asking; EventBridge repeats what it may have said already */
  isFirstHand: boolean
  /** the name of the error for which nobody is told any more */
  untold?: string
}

const ENDED = { FAILED: 'ExecutionFailed', TIMED_OUT: 'ExecutionTimedOut', ABORTED: 'ExecutionAborted' }

/** One form for both ways of asking. */
export function readRequest(request: EndingRequest): Reported {
  if ('detail' in request) {
    const { name, status, input, error, cause } = request.detail
    const failure = { Error: error ?? ENDED[status], Cause: cause ?? `Step Functions says ${status}` }
    return {
      run: name,
      input: parseInput(input),
      ending: { verdict: 'failed', error: readFailure(failure) },
      isFirstHand: false,
    }
  }
  const { run, input, ending, untold } = request
  const { failure, ...rest } = ending
  return {
    run,
    input,
    ...(untold === undefined ? {} : { untold }),
    ending: failure === undefined ? rest : { ...rest, error: readFailure(failure) },
    isFirstHand: true,
  }
}

/** EventBridge leaves the input out when it is large. */
function parseInput(text: string | null | undefined): unknown {
  if (text === null || text === undefined) return {}
  try {
    return JSON.parse(text) as unknown
  } catch {
    return {}
  }
}
