import type { Rule } from '../rule.ts'
import type { PlacedState } from '../machine.ts'
import { objectOf, objectsOf, type JsonObject } from '../../json.ts'
import type { Fault } from '../../finding.ts'

/**
 * The language that our machines are written in: which state types there are, and which fields each may have. It is smaller than Amazon's,
 * because the interpreter in local/ runs all of it. Source: https://states-language.net/spec.html, JSONata variant.
 */
const ofMachine = ['Comment', 'QueryLanguage', 'StartAt', 'States', 'TimeoutSeconds']
const ofEveryState = ['Type', 'Comment']
const onwards = ['Next', 'End']
const results = ['Output', 'Assign']
const failures = ['Retry', 'Catch']
const ofState: Record<string, string[]> = {
  Task: ['Resource', 'Arguments', 'TimeoutSeconds', 'HeartbeatSeconds', ...results, ...failures, ...onwards],
  Map: ['Items', 'ItemSelector', 'ItemProcessor', 'MaxConcurrency', ...results, ...failures, ...onwards],
  Parallel: ['Arguments', 'Branches', ...results, ...failures, ...onwards],
  Choice: ['Choices', 'Default', ...results],
  Pass: [...results, ...onwards],
  Wait: ['Seconds', 'Timestamp', ...results, ...onwards],
  Succeed: ['Output'],
  Fail: ['Error', 'Cause'],
}
const ofProcessor = ['ProcessorConfig', 'StartAt', 'States']
const ofBranch = ['Comment', 'StartAt', 'States']
const ofRetrier = [
  'ErrorEquals',
  'IntervalSeconds',
  'BackoffRate',
  'MaxAttempts',
  'MaxDelaySeconds',
  'JitterStrategy',
]
const ofCatcher = ['ErrorEquals', 'Next', ...results]
const ofChoice = ['Condition', 'Next', 'Comment', ...results]

/** What JSONPath machines have and JSONata machines do not, and what says the same there. */
const jsonPath: Record<string, string> = {
  InputPath: 'Arguments',
  OutputPath: 'Output',
  ResultPath: 'Output or Assign',
  ResultSelector: 'Output',
  Parameters: 'Arguments or ItemSelector',
  Result: 'Output',
  Iterator: 'ItemProcessor',
  ItemsPath: 'Items',
  SecondsPath: 'Seconds',
  TimestampPath: 'Timestamp',
  TimeoutSecondsPath: 'TimeoutSeconds',
  HeartbeatSecondsPath: 'HeartbeatSeconds',
  MaxConcurrencyPath: 'MaxConcurrency',
  ErrorPath: 'Error',
  CausePath: 'Cause',
  Variable: 'Condition',
}

function* unknownFields(object: JsonObject, known: string[], where: string, path: string): Generator<Fault> {
  for (const key of Object.keys(object).filter((key) => !known.includes(key))) {
    const field = path === '' ? key : `${path}.${key}`
    const instead = jsonPath[key]
    if (instead !== undefined) {
      yield { where, field, problem: `${key} is a JSONPath field`, remedy: `say it with ${instead}` }
    } else if (key === 'QueryLanguage') {
      yield {
        where,
        field,
        problem: 'QueryLanguage is said once, at the top of the file',
        remedy: 'leave it out here',
      }
    } else {
      yield {
        where,
        field,
        problem: `there is no field ${key} here`,
        remedy: `use one of ${known.join(', ')}`,
      }
    }
  }
}

function* fieldsOfState({ path: where, type, state }: PlacedState): Generator<Fault> {
  const known = ofState[type]
  if (known === undefined) {
    const types = Object.keys(ofState).join(', ')
    yield {
      where,
      field: 'Type',
      problem: `'${type}' is no state type of ours`,
      remedy: `use one of ${types}`,
    }
    return
  }
  yield* unknownFields(state, [...ofEveryState, ...known], where, '')
  for (const { index, object } of objectsOf(state['Retry']))
    yield* unknownFields(object, ofRetrier, where, `Retry[${index}]`)
  for (const { index, object } of objectsOf(state['Catch']))
    yield* unknownFields(object, ofCatcher, where, `Catch[${index}]`)
  for (const { index, object } of objectsOf(state['Choices']))
    yield* unknownFields(object, ofChoice, where, `Choices[${index}]`)
  for (const { index, object } of objectsOf(state['Branches']))
    yield* unknownFields(object, ofBranch, where, `Branches[${index}]`)
  yield* unknownFields(objectOf(state['ItemProcessor']), ofProcessor, where, 'ItemProcessor')
}

/** JSONata at the top of the file and nowhere else, our state types, and no field that they do not have. */
export const fields: Rule = {
  name: 'fields',
  *check({ definition, states }) {
    if (definition['QueryLanguage'] !== 'JSONata') {
      const problem = 'the query language is not JSONata'
      yield {
        where: '',
        field: 'QueryLanguage',
        problem,
        remedy: 'write "QueryLanguage": "JSONata" at the top',
      }
    }
    yield* unknownFields(definition, ofMachine, '', '')
    for (const placed of states) yield* fieldsOfState(placed)
  },
}
