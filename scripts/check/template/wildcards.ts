/**
 * Where a role of this deployment may name all resources (`Resource: '*'`) or several actions (`s3:*`), and why. Everything else is a finding, and so
 * is an entry that nothing needs any more.
 */
export interface Wildcard {
  /** logical id of the role */
  role: string
  /** the action as the role writes it */
  action: string
  reason: string
}

const TOKENS = 'SendTask* know no resource: a task token is its own permission, and nobody guesses one'

export const wildcards: Wildcard[] = [
  { role: 'BuilderRole', action: 'states:SendTaskHeartbeat', reason: TOKENS },
  { role: 'BuilderRole', action: 'states:SendTaskSuccess', reason: TOKENS },
  { role: 'BuilderRole', action: 'states:SendTaskFailure', reason: TOKENS },
]
