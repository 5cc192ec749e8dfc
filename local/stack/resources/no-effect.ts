import { ACCOUNT, REGION } from '../../gateway/service.ts'
import { isObject } from '../../json-object.ts'
import { generatedName, type ResourceType } from '../resource-type.ts'

/** Resource types that may be in a template although nothing comes of them on one machine, each with the reason. */
const REASONS: Record<string, string> = {
  'AWS::Logs::LogGroup': 'logs are files below the stack’s folder, kept as long as the folder',
  'AWS::Logs::MetricFilter': 'there are no metrics on one machine',
  'AWS::Logs::QueryDefinition': 'a saved query of the console',
  'AWS::CloudWatch::Alarm': 'there are no metrics on one machine',
  'AWS::CloudWatch::CompositeAlarm': 'there are no metrics on one machine',
  'AWS::CloudWatch::Dashboard': 'a page of the console',
  'AWS::SNS::Subscription': 'what a topic gets is kept for whoever looks',
  'AWS::Budgets::Budget': 'this machine bills nobody',
  'AWS::Lambda::EventInvokeConfig': 'an event is tried once here',
}

/** A resource that is only a name here. */
function nameOnly(type: string): ResourceType {
  return async (logicalId, properties, world) => {
    const given = isObject(properties) ? (properties['LogGroupName'] ?? properties['Name']) : undefined
    const name = typeof given === 'string' ? given : generatedName(world, logicalId)
    return { physicalId: name, attributes: { Arn: arnOf(type, name) } }
  }
}

function arnOf(type: string, name: string): string {
  if (type === 'AWS::Logs::LogGroup') return `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${name}:*`
  const [, service = ''] = type.toLowerCase().split('::')
  return `arn:aws:${service}:${REGION}:${ACCOUNT}:${name}`
}

export const withoutEffect: Record<string, ResourceType> = Object.fromEntries(
  Object.keys(REASONS).map((type) => [type, nameOnly(type)]),
)
