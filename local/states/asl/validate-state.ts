import { expressionIn, resourceOf, RESOURCES, type StateType } from './definition.ts'
import { checkArguments } from './validate-arguments.ts'
import { checkExpression, checkFields, checkTemplate, numberOrExpression } from './validate-fields.ts'
import { checkErrorName, checkRetry, eachRecovery } from './validate-recovery.ts'
import type { Surroundings } from './expression-check.ts'
import { SECONDS, surroundings, type Checking, type Fields, type StateChecking } from './checking.ts'
import { isObject } from './json.ts'
import { checkMap, checkParallel } from './validate-nesting.ts'
import { isTimestamp } from './timestamp.ts'

const EVERYWHERE = ['Type', 'Comment', 'QueryLanguage']
const FLOW = ['Next', 'End']
const LEAVING = ['Output', 'Assign']
const RECOVERY = ['Retry', 'Catch']

/** The fields of every state type. */
const FIELDS: Record<StateType, string[]> = {
  Task: [...FLOW, ...LEAVING, ...RECOVERY, 'Resource', 'Arguments', 'TimeoutSeconds', 'HeartbeatSeconds'],
  Map: [
    ...FLOW,
    ...LEAVING,
    ...RECOVERY,
    'ItemProcessor',
    'Items',
    'ItemSelector',
    'MaxConcurrency',
    'ToleratedFailureCount',
    'ToleratedFailurePercentage',
  ],
  Parallel: [...FLOW, ...LEAVING, ...RECOVERY, 'Branches', 'Arguments'],
  Choice: [...LEAVING, 'Choices', 'Default'],
  Pass: [...FLOW, ...LEAVING],
  Wait: [...FLOW, ...LEAVING, 'Seconds', 'Timestamp'],
  Succeed: ['Output'],
  Fail: ['Error', 'Cause'],
}

const isStateType = (type: unknown): type is StateType =>
  typeof type === 'string' && Object.hasOwn(FIELDS, type)

/** Checks one state, with everything inside it. */
export function checkState(state: unknown, where: string, checking: StateChecking): void {
  const { report } = checking
  if (!isObject(state)) return report(where, 'must be an object')
  const type = state['Type']
  if (!isStateType(type))
    return report(
      `${where}.Type`,
      `unknown state type ${JSON.stringify(type)}; known: ${Object.keys(FIELDS).join(', ')}`,
    )
  checkFields(state, where, [...EVERYWHERE, ...FIELDS[type]], `a ${type} state`, report)
  if ('QueryLanguage' in state && state['QueryLanguage'] !== 'JSONata')
    report(`${where}.QueryLanguage`, 'must be "JSONata"')
  if ('Comment' in state && typeof state['Comment'] !== 'string')
    report(`${where}.Comment`, 'must be a string')
  if (FIELDS[type].includes('End')) checkFlow(state, where, checking)

  const plain = surroundings(checking)
  const recovers = FIELDS[type].includes('Retry')
  checkLeaving(state, where, { ...plain, result: recovers }, checking)
  if ('Arguments' in state) {
    const taskToken = String(state['Resource']).endsWith('.waitForTaskToken')
    checkTemplate(state['Arguments'], `${where}.Arguments`, { ...plain, taskToken }, report)
  }
  if (recovers) checkRecovery(state, where, checking)
  OWN_CHECKS[type](state, where, checking)
}

function checkFlow(state: Fields, where: string, { report, goTo }: StateChecking): void {
  if ('Next' in state === 'End' in state) report(where, 'must have either Next or End')
  if ('Next' in state) goTo(`${where}.Next`, state['Next'])
  if ('End' in state && state['End'] !== true) report(`${where}.End`, 'must be true; leave it out otherwise')
}

function checkLeaving(
  holder: Fields,
  where: string,
  around: Surroundings,
  { report, outer }: Checking,
): void {
  if ('Output' in holder) checkTemplate(holder['Output'], `${where}.Output`, around, report)
  if (!('Assign' in holder)) return
  if (!isObject(holder['Assign'])) return report(`${where}.Assign`, 'must be an object of variables')
  for (const name of Object.keys(holder['Assign'])) {
    const at = `${where}.Assign.${name}`
    if (!/^[\p{ID_Start}_][\p{ID_Continue}]*$/u.test(name) || name.length > 80)
      report(at, 'a variable name is an identifier of at most 80 characters, without the $')
    if (name === 'states') report(at, '$states is reserved')
    if (outer.has(name))
      report(at, `$${name} belongs to the states around this one, which an inner state cannot assign`)
  }
  checkTemplate(holder['Assign'], `${where}.Assign`, around, report)
}

function checkRecovery(state: Fields, where: string, checking: StateChecking): void {
  const { report, goTo } = checking
  if ('Retry' in state) checkRetry(state['Retry'], `${where}.Retry`, report)
  if (!('Catch' in state)) return
  eachRecovery(state['Catch'], `${where}.Catch`, report, (catcher, at) => {
    checkFields(catcher, at, ['ErrorEquals', 'Next', 'Output', 'Assign', 'Comment'], 'a catcher', report)
    goTo(`${at}.Next`, catcher['Next'])
    checkLeaving(catcher, at, { ...surroundings(checking), errorOutput: true }, checking)
  })
}

function checkTask(state: Fields, where: string, checking: StateChecking): void {
  const { report } = checking
  const resource = typeof state['Resource'] === 'string' ? resourceOf(state['Resource']) : undefined
  if (!resource)
    report(
      `${where}.Resource`,
      `unknown resource ${JSON.stringify(state['Resource'])}; known: ${RESOURCES.join(', ')}, and activities`,
    )
  else if (resource.kind === 'integration')
    checkArguments(resource.arn, state['Arguments'], `${where}.Arguments`, report)
  for (const field of ['TimeoutSeconds', 'HeartbeatSeconds'])
    if (field in state)
      numberOrExpression(state[field], `${where}.${field}`, [1, 99_999_999], surroundings(checking), report)
  if (!('HeartbeatSeconds' in state)) return
  if (resource?.kind === 'integration' && resource.pattern !== 'callback')
    report(
      `${where}.HeartbeatSeconds`,
      `${resource.arn} gets no task token, so nothing could send a heartbeat`,
    )
  if (Number(state['HeartbeatSeconds']) >= Number(state['TimeoutSeconds']))
    report(`${where}.HeartbeatSeconds`, 'must be less than TimeoutSeconds')
}

function checkChoice(state: Fields, where: string, checking: StateChecking): void {
  const { report, goTo } = checking
  if ('Default' in state) goTo(`${where}.Default`, state['Default'])
  const rules = state['Choices']
  if (!Array.isArray(rules) || rules.length === 0)
    return report(`${where}.Choices`, 'must be a list of at least one rule')
  for (const [index, rule] of (rules as unknown[]).entries()) {
    const at = `${where}.Choices[${index}]`
    if (!isObject(rule)) {
      report(at, 'must be an object')
      continue
    }
    checkFields(rule, at, ['Condition', 'Next', 'Output', 'Assign', 'Comment'], 'a rule', report)
    goTo(`${at}.Next`, rule['Next'])
    if (typeof rule['Condition'] === 'string')
      checkExpression(rule['Condition'], `${at}.Condition`, surroundings(checking), report)
    else if (typeof rule['Condition'] !== 'boolean')
      report(`${at}.Condition`, 'must be an expression for true or false')
    checkLeaving(rule, at, surroundings(checking), checking)
  }
}

function checkWait(state: Fields, where: string, checking: StateChecking): void {
  const { report } = checking
  if ('Seconds' in state === 'Timestamp' in state) report(where, 'must have either Seconds or Timestamp')
  if ('Seconds' in state)
    numberOrExpression(state['Seconds'], `${where}.Seconds`, SECONDS, surroundings(checking), report)
  const until = state['Timestamp']
  if (!('Timestamp' in state)) return
  if (typeof until !== 'string') report(`${where}.Timestamp`, 'must be a string')
  else if (expressionIn(until) !== undefined)
    checkExpression(until, `${where}.Timestamp`, surroundings(checking), report)
  else if (!isTimestamp(until))
    report(`${where}.Timestamp`, 'must be like 2016-08-18T17:33:00Z (RFC 3339, T and Z in capitals)')
}

function checkFail(state: Fields, where: string, checking: StateChecking): void {
  const { report } = checking
  for (const field of ['Error', 'Cause']) {
    const value = state[field]
    if (!(field in state)) continue
    if (typeof value !== 'string') report(`${where}.${field}`, 'must be a string')
    else if (expressionIn(value) !== undefined)
      checkExpression(value, `${where}.${field}`, surroundings(checking), report)
    else if (field === 'Error') checkErrorName(value, `${where}.Error`, report)
  }
}

const nothing = (): void => undefined

const OWN_CHECKS: Record<StateType, (state: Fields, where: string, checking: StateChecking) => void> = {
  Task: checkTask,
  Map: checkMap,
  Parallel: checkParallel,
  Choice: checkChoice,
  Pass: nothing,
  Wait: checkWait,
  Succeed: nothing,
  Fail: checkFail,
}
