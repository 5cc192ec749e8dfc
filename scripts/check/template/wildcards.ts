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

export const wildcards: Wildcard[] = ['BuilderRole', 'WorkerRole'].flatMap((role) =>
  ['states:SendTaskHeartbeat', 'states:SendTaskSuccess', 'states:SendTaskFailure'].map((action) => ({
    role,
    action,
    reason: TOKENS,
  })),
)
