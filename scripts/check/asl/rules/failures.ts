import type { Fault } from '../../finding.ts'
import { objectsOf, type JsonObject } from '../../json.ts'
import { isInsideMap, isTerminal, reachableFrom, type PlacedState } from '../machine.ts'
import { eachState, fault, type Rule } from '../rule.ts'
import { START_EXECUTION } from './tasks.ts'

/** Source: Step Functions developer guide, "Handling errors", table of error names. */
const reserved = [
  'States.ALL',
  'States.BranchFailed',
  'States.DataLimitExceeded',
  'States.ExceedToleratedFailureThreshold',
  'States.HeartbeatTimeout',
  'States.ItemReaderFailed',
  'States.NoChoiceMatched',
  'States.Permissions',
  'States.QueryEvaluationError',
  'States.ResultWriterFailed',
  'States.Runtime',
  'States.TaskFailed',
  'States.Timeout',
]

function errorsOf(handler: JsonObject): unknown[] {
  const { ErrorEquals: errors } = handler
  return Array.isArray(errors) ? errors : []
}

/** States.ALL stands alone and last, and no reserved name is misspelt: Step Functions refuses the one and never matches the other. */
export const errorNames = eachState('error-names', function* (placed) {
  for (const list of ['Retry', 'Catch']) {
    const handlers = objectsOf(placed.state[list])
    for (const { index, object } of handlers) {
      const field = `${list}[${index}].ErrorEquals`
      const errors = errorsOf(object)
      if (errors.includes('States.ALL') && errors.length > 1) {
        yield fault(
          placed,
          field,
          'States.ALL stands with other names',
          'let it stand alone: it matches them all',
        )
      }
      if (errors.includes('States.ALL') && index < handlers.length - 1) {
        yield fault(
          placed,
          field,
          'States.ALL is not last, so nothing after it is ever tried',
          `move it to the end of ${list}`,
        )
      }
      for (const name of errors) {
        if (typeof name !== 'string' || !name.startsWith('States.') || reserved.includes(name)) continue
        yield fault(placed, field, `Step Functions has no error ${name}`, `use one of ${reserved.join(', ')}`)
      }
    }
  }
})

/** Builds that were refused together must not come back together. */
export const jitter = eachState('jitter', function* (placed) {
  for (const { index, object } of objectsOf(placed.state['Retry'])) {
    if (object['JitterStrategy'] === 'FULL') continue
    const problem = 'retries without full jitter come back all at once'
    yield fault(placed, `Retry[${index}].JitterStrategy`, problem, 'add "JitterStrategy": "FULL"')
  }
})

// StartExecution has a token bucket for the whole account, and no exception of its own for an empty one: it may come by either name.
// Source: Step Functions quotas, "Quotas related to API action throttling"; the API's list of errors.
const throttles = ['StepFunctions.AWSStepFunctionsException', 'StepFunctions.ThrottlingException']

/** Many executions start many others at one moment: those that are refused then are started a little later. */
export const throttling = eachState('throttling', function* (placed) {
  if (placed.type !== 'Task' || placed.state['Resource'] !== START_EXECUTION) return
  const retried = objectsOf(placed.state['Retry']).flatMap(({ object }) => errorsOf(object))
  for (const name of throttles.filter((name) => !retried.includes(name))) {
    yield fault(placed, 'Retry', 'an execution that is throttled is never started', `retry ${name}`)
  }
})

function catchesAll({ state }: PlacedState): boolean {
  return objectsOf(state['Catch']).some(({ object }) => errorsOf(object).includes('States.ALL'))
}

/** One uncaught iteration aborts its siblings. */
export const caughtInMap = eachState('caught-in-map', function* (placed) {
  if (placed.type !== 'Task' || !isInsideMap(placed) || catchesAll(placed)) return
  const problem = 'an error here is not caught, and aborts every other iteration of the Map'
  yield fault(placed, 'Catch', problem, 'add a Catch for States.ALL that stays inside the Map')
})

const last = 'Report'

/** In a machine with a Report: whatever fails before it leads there, and no path ends without it. */
export const everyPathReports: Rule = {
  name: 'every-path-reports',
  *check({ top }): Generator<Fault> {
    if (!top.states.some(({ name }) => name === last)) return
    const before = [...reachableFrom(top, top.startAt, new Set([last]))]
    for (const placed of before) {
      const mayFail = ['Task', 'Map', 'Parallel'].includes(placed.type)
      if (mayFail && placed.name !== last && !catchesAll(placed)) {
        const problem = `a failure here is not caught, and the run ends without ${last}`
        yield fault(placed, 'Catch', problem, `add a Catch for States.ALL that leads to ${last}`)
      }
    }
    for (const placed of before) {
      if (!isTerminal(placed)) continue
      yield fault(placed, '', `a path ends here that never came through ${last}`, `let it lead to ${last}`)
    }
  },
}
