import { ACCOUNT, REGION } from '../gateway/service.ts'

const PREFIX = `arn:aws:states:${REGION}:${ACCOUNT}`

export const machineArn = (name: string): string => `${PREFIX}:stateMachine:${name}`
export const activityArn = (name: string): string => `${PREFIX}:activity:${name}`
export const executionArn = (machine: string, name: string): string =>
  `${PREFIX}:execution:${machine}:${name}`

/** Names of state machines, activities and executions: no spaces, brackets, wildcards, special or control characters. Source: API reference. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const FORBIDDEN = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f\ufffe\uffff\ud800-\udfff]/

/** Whether a name is one that Step Functions takes: 1 to 80 characters, none of the forbidden ones. */
export function isName(name: string): boolean {
  return name.length >= 1 && name.length <= 80 && !FORBIDDEN.test(name)
}
