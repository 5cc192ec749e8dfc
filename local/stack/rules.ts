import { LambdaClient } from '@aws-sdk/client-lambda'
import { SFNClient } from '@aws-sdk/client-sfn'
import { invokeInBackground } from '../lambda/lambda-service.ts'
import type { BusEvent } from '../events/event-bus.ts'
import type { StatusChange } from '../states/status-change.ts'
import { fireRule, matchesRule, scheduledEvent, statusChangeEvent, type RuleActions } from './fire-rule.ts'
import type { RoleSessions } from './role-sessions.ts'
import type { Services } from './services.ts'
import type { StackEvent } from './stack-events.ts'
import { TemplateError } from './template.ts'
import type { FunctionPermission, Rule } from './world.ts'

/** EventBridge: carries status changes and what was put on the bus to the rules that match, and fires schedules on request. */
export interface Rules {
  onStatusChange(change: StatusChange): void
  onBusEvent(event: BusEvent): void
  /** @throws TemplateError when the template has no such schedule, and what its target's service answers */
  fireSchedule(logicalId: string): Promise<void>
  /** Resolves when every target that was started has been told. */
  close(): Promise<void>
}

export interface RulesOptions {
  rules: Rule[]
  permissions: FunctionPermission[]
  services: Services
  sessions: RoleSessions
  onEvent: (event: StackEvent) => void
}

export function createRules({ rules, permissions, services, sessions, onEvent }: RulesOptions): Rules {
  const pending = new Set<Promise<void>>()
  const track = (work: Promise<void>): void => {
    pending.add(work)
    void work.finally(() => pending.delete(work))
  }
  const actions: RuleActions = {
    permissions,
    invoke: (functionName, payload) =>
      track(invokeInBackground(services.functions, functionName, payload, services.onAsyncFailure)),
    notify(rule, topicArn, message) {
      services.topics.publishFor(rule.principal, rule.arn, topicArn, message)
      const notification = services.topics.notifications.at(-1)
      if (notification !== undefined) onEvent({ kind: 'notification', notification })
    },
    statesAs: (roleArn, session) => new SFNClient(sessions.clientConfig(roleArn, session)),
    lambdaAs: (roleArn, session) => new LambdaClient(sessions.clientConfig(roleArn, session)),
  }
  const fireReporting = async (rule: Rule, event: Record<string, unknown>): Promise<void> => {
    try {
      await fireRule(rule, event, actions)
    } catch (error) {
      onEvent({ kind: 'failure', where: `rule ${rule.logicalId}`, message: String(error) })
    }
  }
  const carry = (event: Record<string, unknown>): void => {
    for (const rule of rules.filter((candidate) => matchesRule(candidate, event)))
      track(fireReporting(rule, event))
  }
  return {
    onStatusChange: (change) => carry(statusChangeEvent(change)),
    onBusEvent(event) {
      onEvent({ kind: 'bus-event', event })
      carry(event)
    },
    async fireSchedule(logicalId) {
      const rule = rules.find(
        (candidate) => candidate.logicalId === logicalId && candidate.schedule !== undefined,
      )
      if (rule === undefined) {
        const known = rules
          .filter(({ schedule }) => schedule !== undefined)
          .map((candidate) => candidate.logicalId)
        throw new TemplateError(
          `the template has no schedule "${logicalId}"; it has ${known.join(', ') || 'none'}`,
        )
      }
      await fireRule(rule, scheduledEvent(rule), actions)
    },
    async close() {
      await Promise.all(pending)
    },
  }
}
