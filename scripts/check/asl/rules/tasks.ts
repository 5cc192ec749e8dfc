import type { Fault } from '../../finding.ts'
import { isObject, objectOf, objectsOf } from '../../json.ts'
import { eachState, fault } from '../rule.ts'
import type { PlacedState } from '../machine.ts'

/** Starts an execution and waits for its end; `:2` gives its output as JSON, and not as text. */
export const START_EXECUTION = 'arn:aws:states:::states:startExecution.sync:2'

interface Service {
  required: string[]
  allowed: string[]
}

/**
 * What a Task may call, with the arguments it takes. The interpreter in local/ and the roles in resources/ know exactly these.
 * Sources: the APIs' Invoke, StartBuild and StartExecution; in Step Functions an argument's name begins with a capital letter.
 * StartBuild could also replace the buildspec and the role of a project: a run must not.
 */
const invoke: Service = {
  required: ['FunctionName', 'Payload'],
  allowed: ['InvocationType', 'ClientContext', 'LogType', 'Qualifier'],
}
const startBuild: Service = {
  required: ['ProjectName'],
  allowed: [
    'EnvironmentVariablesOverride',
    'TimeoutInMinutesOverride',
    'QueuedTimeoutInMinutesOverride',
    'EnvironmentTypeOverride',
    'ComputeTypeOverride',
    'ImageOverride',
    'FleetOverride',
    'IdempotencyToken',
  ],
}
// Without a name an execution that is asked for twice, after a redrive for instance, is started twice.
const startExecution: Service = { required: ['StateMachineArn', 'Name', 'Input'], allowed: [] }
const CALLBACK = '.waitForTaskToken'
const services: Record<string, Service> = {
  'arn:aws:states:::lambda:invoke': invoke,
  [`arn:aws:states:::lambda:invoke${CALLBACK}`]: invoke,
  'arn:aws:states:::codebuild:startBuild': startBuild,
  'arn:aws:states:::codebuild:startBuild.sync': startBuild,
  [START_EXECUTION]: startExecution,
}
const activity = /^\$\{\w*ActivityArn\}$/
const variableTypes = ['PLAINTEXT', 'PARAMETER_STORE', 'SECRETS_MANAGER']

/** Tasks call what is on the closed list, with arguments that it has. */
export const resources = eachState('resources', function* (placed) {
  if (placed.type !== 'Task') return
  const { Resource: resource, Arguments: given } = placed.state
  const service = typeof resource === 'string' ? services[resource] : undefined
  if (service !== undefined) yield* argumentsOf(placed, service)
  else if (typeof resource !== 'string' || !activity.test(resource)) {
    const known = [...Object.keys(services), '${…ActivityArn}'].join(', ')
    yield fault(
      placed,
      'Resource',
      `${JSON.stringify(resource)} is not on the list of what a Task may call`,
      `use one of ${known}`,
    )
  }
  if (resource === START_EXECUTION && isObject(given) && 'Input' in given && !isObject(given['Input'])) {
    const problem = 'whether a text is the input or JSON of it, nobody says'
    yield fault(placed, 'Arguments.Input', problem, 'write an object')
  }
  for (const { index, object } of objectsOf(objectOf(given)['EnvironmentVariablesOverride'])) {
    const field = `Arguments.EnvironmentVariablesOverride[${index}]`
    for (const key of Object.keys(object).filter((key) => !['Name', 'Value', 'Type'].includes(key))) {
      yield fault(placed, `${field}.${key}`, `a variable has no ${key}`, 'it has Name, Value and Type')
    }
    const { Type: type } = object
    if (type !== undefined && !variableTypes.some((known) => known === type)) {
      yield fault(
        placed,
        `${field}.Type`,
        `${JSON.stringify(type)} is no type of a variable`,
        `use one of ${variableTypes.join(', ')}`,
      )
    }
  }
})

function* argumentsOf(placed: PlacedState, { required, allowed }: Service): Generator<Fault> {
  const { Arguments: given } = placed.state
  if (!isObject(given)) {
    yield fault(
      placed,
      'Arguments',
      'the arguments are no object, so nobody can see what is called',
      `name ${required.join(', ')}`,
    )
    return
  }
  for (const key of required.filter((key) => !(key in given))) {
    yield fault(placed, 'Arguments', `${key} is missing`, `add Arguments.${key}`)
  }
  for (const key of Object.keys(given).filter((key) => !required.includes(key) && !allowed.includes(key))) {
    yield fault(
      placed,
      `Arguments.${key}`,
      `there is no argument ${key}`,
      `use one of ${[...required, ...allowed].join(', ')}`,
    )
  }
}

/** Every Task gives up at some time; a heartbeat is for whoever has a task token, and may die with it. It comes more often than the end. */
export const timeouts = eachState('timeouts', function* (placed) {
  if (placed.type !== 'Task') return
  const { Resource: resource, TimeoutSeconds: timeout, HeartbeatSeconds: heartbeat } = placed.state
  if (timeout === undefined) {
    yield fault(placed, 'TimeoutSeconds', 'a Task without a time-out waits for a year', 'add TimeoutSeconds')
  }
  if (heartbeat === undefined) return
  if (typeof resource !== 'string' || !(activity.test(resource) || resource.endsWith(CALLBACK))) {
    const problem = 'nobody gets a task token to send heartbeats with'
    yield fault(placed, 'HeartbeatSeconds', problem, `leave it out, or call an activity or ${CALLBACK}`)
  } else if (typeof timeout !== 'number') {
    if (timeout !== undefined) {
      const problem = 'nobody can see that the heartbeat is less'
      yield fault(placed, 'TimeoutSeconds', problem, 'write it as a number')
    }
  } else if (typeof heartbeat === 'number' && heartbeat >= timeout) {
    const problem = `a heartbeat within ${heartbeat} s can never be missed before the time-out of ${timeout} s`
    yield fault(placed, 'HeartbeatSeconds', problem, 'make it less than TimeoutSeconds')
  }
})
