import { evaluatePolicies, InvalidPolicy, type PolicyDocument } from '../gateway/policy.ts'
import { type ResourcePolicy, type ResourceStatement, withoutPrincipal } from '../gateway/resource-policy.ts'
import { listOf } from '../gateway/policy-document.ts'

/** A message that was published to a topic. */
export interface Notification {
  topicArn: string
  message: string
  /** ISO 8601 */
  at: string
}

/** A message that nobody may publish there, or that SNS would not take. */
export class NotificationRefused extends Error {
  override name = 'NotificationRefused'
}

/** SNS: topics that keep what was published to them, for whoever looks. Nobody is subscribed. */
export interface Topics {
  /** every message, oldest first */
  readonly notifications: readonly Notification[]
  create(arn: string): void
  /** @throws NotificationRefused when there is no such topic */
  setPolicy(arn: string, policy: ResourcePolicy): void
  /**
   * Publishes for a service.
   * @param source the ARN of what it acts for, such as a rule
   * @throws NotificationRefused when the topic's policy does not let it
   */
  publishFor(service: string, source: string, arn: string, message: string): void
}

/** 256 KB. Source: SNS developer guide, "Quotas". */
const MOST_BYTES = 256 * 1024

export function createTopics(): Topics {
  const policies = new Map<string, ResourcePolicy | undefined>()
  const notifications: Notification[] = []
  const known = (arn: string): void => {
    if (!policies.has(arn)) throw new NotificationRefused(`there is no topic ${arn}`)
  }
  return {
    notifications,
    create: (arn) => void policies.set(arn, undefined),
    setPolicy(arn, policy) {
      known(arn)
      policies.set(arn, policy)
    },
    publishFor(service, source, arn, message) {
      known(arn)
      const policy = policies.get(arn)
      const request = { action: 'sns:Publish', resource: arn, context: { 'aws:SourceArn': source } }
      const decision = evaluatePolicies(policy === undefined ? [] : [forService(policy, service)], request)
      if (!decision.allowed)
        throw new NotificationRefused(
          `${service} may not publish to ${arn} for ${source}: ${decision.because}; an AWS::SNS::TopicPolicy lets it`,
        )
      if (message === '' || Buffer.byteLength(message) > MOST_BYTES)
        throw new NotificationRefused(`a message has 1 to ${MOST_BYTES} bytes`)
      notifications.push({ topicArn: arn, message, at: new Date().toISOString() })
    },
  }
}

/** What of a topic's policy is about a service. */
function forService(policy: ResourcePolicy, service: string): PolicyDocument {
  const isAbout = (statement: ResourceStatement): boolean => {
    if (!('Principal' in statement))
      throw new InvalidPolicy('a statement of a topic policy needs a Principal')
    return statement.Principal === '*' || listOf(statement.Principal['Service'] ?? []).includes(service)
  }
  return {
    Version: policy.Version,
    Statement: listOf(policy.Statement).filter(isAbout).map(withoutPrincipal),
  }
}
