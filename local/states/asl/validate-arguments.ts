import { checkFields, type Report } from './validate-fields.ts'
import { isObject } from './json.ts'

interface Arguments {
  known: readonly string[]
  required: readonly string[]
}

const invoke: Arguments = { known: ['FunctionName', 'Payload', 'Qualifier'], required: ['FunctionName'] }
const startBuild: Arguments = {
  known: [
    'ProjectName',
    'EnvironmentVariablesOverride',
    'SourceVersion',
    'BuildspecOverride',
    'IdempotencyToken',
    'TimeoutInMinutesOverride',
    'QueuedTimeoutInMinutesOverride',
    'ComputeTypeOverride',
    'ImageOverride',
    'EnvironmentTypeOverride',
    'PrivilegedModeOverride',
  ],
  required: ['ProjectName'],
}

// Whoever starts an execution here starts it for itself alone: a trace header has nobody to read it.
const startExecution: Arguments = {
  known: ['StateMachineArn', 'Name', 'Input'],
  required: ['StateMachineArn'],
}

/**
 * Arguments of the integrations: PascalCase, whatever the service's own API uses. Those of StartBuild that replace the project's security (roles,
 * credentials, certificates) are left out on purpose.
 */
export const ARGUMENTS: Record<string, Arguments> = {
  'arn:aws:states:::lambda:invoke': invoke,
  'arn:aws:states:::lambda:invoke.waitForTaskToken': invoke,
  'arn:aws:states:::codebuild:startBuild': startBuild,
  'arn:aws:states:::codebuild:startBuild.sync': startBuild,
  'arn:aws:states:::states:startExecution.sync:2': startExecution,
}

/** Checks the names of a Task's Arguments. Arguments that are one expression are checked when they have a value. */
export function checkArguments(resource: string, value: unknown, where: string, report: Report): void {
  const names = ARGUMENTS[resource]
  if (!names) return
  if (typeof value === 'string') return
  if (!isObject(value)) return report(where, `must be an object with ${names.required.join(', ')}`)
  checkFields(value, where, names.known, resource, report)
  for (const name of names.required)
    if (!(name in value)) report(`${where}.${name}`, `missing: ${resource} needs it`)
  const input = value['Input']
  if (names === startExecution && input !== undefined && !isObject(input) && typeof input !== 'string')
    report(`${where}.Input`, 'must be an object')
  if (!('EnvironmentVariablesOverride' in value)) return
  const variables = value['EnvironmentVariablesOverride']
  const at = `${where}.EnvironmentVariablesOverride`
  if (Array.isArray(variables)) {
    for (const [index, variable] of (variables as unknown[]).entries()) {
      if (isObject(variable))
        checkFields(variable, `${at}[${index}]`, ['Name', 'Value', 'Type'], 'an environment variable', report)
      else if (typeof variable !== 'string') report(`${at}[${index}]`, 'must be an object')
    }
  } else if (typeof variables !== 'string') report(at, 'must be a list')
}
