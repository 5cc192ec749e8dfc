import { randomUUID } from 'node:crypto'
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda'
import { StartExecutionCommand, type SFNClient } from '@aws-sdk/client-sfn'
import { transformInput } from '../events/input-transformer.ts'
import { matchesEventPattern } from '../events/event-pattern.ts'
import { matchesArn, parsePattern } from '../gateway/policy-pattern.ts'
import { ACCOUNT, REGION } from '../gateway/service.ts'
import type { StatusChange } from '../states/status-change.ts'
import type { FunctionPermission, Rule, RuleTarget } from './world.ts'

/** What carries out a rule. */
export interface RuleActions {
  permissions: FunctionPermission[]
  /** invokes a function for whom nobody waits, as itself being allowed already */
  invoke(functionName: string, payload: string): void
  /** publishes to a topic for a rule, as its policy lets it */
  notify(rule: Rule, topicArn: string, message: string): void
  /** clients that sign as this role */
  statesAs(roleArn: string, session: string): SFNClient
  lambdaAs(roleArn: string, session: string): LambdaClient
}

/** A target that a rule may not start, or that is not known here. */
export class TargetRefused extends Error {
  override name = 'TargetRefused'
}

/** The event that EventBridge makes of a status change. Source: Step Functions developer guide, "Step Functions event examples". */
export function statusChangeEvent(change: StatusChange): Record<string, unknown> {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Step Functions Execution Status Change',
    source: 'aws.states',
    account: ACCOUNT,
    time: new Date().toISOString(),
    region: REGION,
    resources: [change.executionArn],
    detail: change,
  }
}

/** The event that a schedule rule makes. Source: EventBridge user guide, "Scheduled events". */
export function scheduledEvent(rule: Rule): Record<string, unknown> {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: ACCOUNT,
    time: new Date().toISOString(),
    region: REGION,
    resources: [rule.arn],
    detail: {},
  }
}

export function matchesRule(rule: Rule, event: unknown): boolean {
  return rule.enabled && rule.pattern !== undefined && matchesEventPattern(rule.pattern, event)
}

/**
 * Starts a rule's targets.
 * @throws TargetRefused when a function has no AWS::Lambda::Permission for the rule, or a state machine target no role; NotificationRefused
 */
export async function fireRule(
  rule: Rule,
  event: Record<string, unknown>,
  actions: RuleActions,
): Promise<void> {
  for (const target of rule.targets) {
    const input =
      target.transformer === undefined
        ? (target.input ?? JSON.stringify(event))
        : transformInput(target.transformer, event)
    if (target.arn.startsWith('arn:aws:lambda:')) await invokeFunction(rule, target, input, actions)
    else if (/^arn:aws:states:.*:stateMachine:/.test(target.arn))
      await startExecution(rule, target, input, actions)
    else if (target.arn.startsWith('arn:aws:sns:')) actions.notify(rule, target.arn, input)
    else throw new TargetRefused(`rule ${rule.logicalId}: the local stack has no targets like ${target.arn}`)
  }
}

async function invokeFunction(
  rule: Rule,
  target: RuleTarget,
  input: string,
  actions: RuleActions,
): Promise<void> {
  const name = target.arn.split(':')[6] ?? ''
  if (target.roleArn !== undefined) {
    const lambda = actions.lambdaAs(target.roleArn, rule.logicalId)
    try {
      await lambda.send(new InvokeCommand({ FunctionName: name, InvocationType: 'Event', Payload: input }))
    } finally {
      lambda.destroy()
    }
  } else if (mayInvoke(actions.permissions, name, rule.principal, rule.arn)) actions.invoke(name, input)
  else
    throw new TargetRefused(
      `rule ${rule.logicalId}: no AWS::Lambda::Permission lets ${rule.principal} invoke ${name} for ${rule.arn}`,
    )
}

async function startExecution(
  rule: Rule,
  target: RuleTarget,
  input: string,
  actions: RuleActions,
): Promise<void> {
  if (target.roleArn === undefined)
    throw new TargetRefused(`rule ${rule.logicalId}: a state machine target needs a RoleArn`)
  const states = actions.statesAs(target.roleArn, rule.logicalId)
  try {
    await states.send(new StartExecutionCommand({ stateMachineArn: target.arn, input }))
  } finally {
    states.destroy()
  }
}

/** Whether a permission lets a service invoke a function on behalf of `sourceArn`. */
export function mayInvoke(
  permissions: FunctionPermission[],
  functionName: string,
  principal: string,
  sourceArn: string,
): boolean {
  return permissions.some((permission) => {
    if (permission.functionName !== functionName || permission.principal !== principal) return false
    const pattern = permission.sourceArn === undefined ? undefined : parsePattern(permission.sourceArn, {})
    return pattern === undefined || matchesArn(pattern, sourceArn)
  })
}
