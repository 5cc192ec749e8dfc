import { checkFields, wholeNumber, type Report } from './validate-fields.ts'
import { isObject } from './json.ts'

/** Names that the language reserves. Source: specification, appendix A, and the developer guide's table of error names. */
const RESERVED: ReadonlySet<string> = new Set([
  'States.ALL',
  'States.TaskFailed',
  'States.Timeout',
  'States.HeartbeatTimeout',
  'States.Permissions',
  'States.BranchFailed',
  'States.NoChoiceMatched',
  'States.ExceedToleratedFailureThreshold',
  'States.QueryEvaluationError',
  'States.DataLimitExceeded',
])

/** Names that cannot occur in our subset, or that nothing can catch. */
const USELESS: Record<string, string> = {
  'States.Runtime': 'always ends the execution, nothing can retry or catch it',
  'States.IntrinsicFailure': 'occurs with JSONPath only',
  'States.ParameterPathFailure': 'occurs with JSONPath only',
  'States.ResultPathMatchFailure': 'occurs with JSONPath only',
  'States.ItemReaderFailed': 'occurs in distributed maps only',
  'States.ResultWriterFailed': 'occurs in distributed maps only',
  'States.Http.Socket': 'occurs with HTTP tasks only',
}

/** Reports a name that looks reserved and is not. */
export function checkErrorName(name: string, where: string, report: Report): void {
  const why = Object.hasOwn(USELESS, name) ? USELESS[name] : undefined
  if (why) report(where, `${name} ${why}`)
  else if (name.startsWith('States.') && !RESERVED.has(name))
    report(where, `${name} is no error of the States Language; names that begin with "States." are reserved`)
  else if (name.includes('*'))
    report(where, `${name}: error names have no wildcards, States.ALL matches every error`)
}

function checkErrorEquals(value: unknown, where: string, isLast: boolean, report: Report): void {
  if (!Array.isArray(value) || value.length === 0)
    return report(where, 'must be a list of at least one error name')
  for (const name of value as unknown[]) {
    if (typeof name !== 'string' || name === '')
      report(where, 'every error name must be a string that is not empty')
    else checkErrorName(name, where, report)
  }
  if (!value.includes('States.ALL')) return
  if (value.length > 1) report(where, 'States.ALL must stand alone')
  if (!isLast) report(where, 'States.ALL must come last: nothing after it is ever reached')
}

/** One pass over Retry or Catch, which have their form in common. */
export function eachRecovery(
  list: unknown,
  where: string,
  report: Report,
  visit: (entry: Record<string, unknown>, at: string) => void,
): void {
  if (!Array.isArray(list)) return report(where, 'must be a list')
  for (const [index, entry] of (list as unknown[]).entries()) {
    const at = `${where}[${index}]`
    if (!isObject(entry)) {
      report(at, 'must be an object')
      continue
    }
    checkErrorEquals(entry['ErrorEquals'], `${at}.ErrorEquals`, index === list.length - 1, report)
    visit(entry, at)
  }
}

const RETRIER = [
  'ErrorEquals',
  'IntervalSeconds',
  'BackoffRate',
  'MaxAttempts',
  'MaxDelaySeconds',
  'JitterStrategy',
  'Comment',
]

/** Checks a state's Retry. Bounds are those of the developer guide's table of a retrier's fields. */
export function checkRetry(list: unknown, where: string, report: Report): void {
  eachRecovery(list, where, report, (retrier, at) => {
    checkFields(retrier, at, RETRIER, 'a retrier', report)
    const {
      IntervalSeconds = 1,
      BackoffRate = 2,
      MaxAttempts = 3,
      MaxDelaySeconds,
      JitterStrategy = 'NONE',
    } = retrier
    wholeNumber(IntervalSeconds, `${at}.IntervalSeconds`, 1, 99_999_999, report)
    wholeNumber(MaxAttempts, `${at}.MaxAttempts`, 0, 99_999_999, report)
    if (typeof BackoffRate !== 'number' || BackoffRate < 1)
      report(`${at}.BackoffRate`, 'must be a number of at least 1')
    if (JitterStrategy !== 'FULL' && JitterStrategy !== 'NONE')
      report(`${at}.JitterStrategy`, 'must be "FULL" or "NONE"')
    if (MaxDelaySeconds !== undefined) {
      wholeNumber(MaxDelaySeconds, `${at}.MaxDelaySeconds`, 1, 31_622_399, report)
      if (Number(MaxDelaySeconds) <= Number(IntervalSeconds))
        report(`${at}.MaxDelaySeconds`, 'must be more than IntervalSeconds')
    }
    if ('Comment' in retrier && typeof retrier['Comment'] !== 'string')
      report(`${at}.Comment`, 'must be a string')
  })
}
