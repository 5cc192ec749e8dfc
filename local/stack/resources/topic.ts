import * as z from 'zod/mini'
import { ACCOUNT, REGION } from '../../gateway/service.ts'
import { generatedName, noEffect, optionalText, resourceType } from '../resource-type.ts'
import { readResourcePolicy } from './resource-policy.ts'

/** AWS::SNS::Topic: keeps what is published to it. */
export const topic = resourceType(
  z.strictObject({
    TopicName: optionalText,
    DisplayName: noEffect,
    // nothing is kept outside of the stack's folder
    KmsMasterKeyId: noEffect,
    Tags: noEffect,
  }),
  (logicalId, { TopicName }, world) => {
    const name = TopicName ?? generatedName(world, logicalId)
    const arn = `arn:aws:sns:${REGION}:${ACCOUNT}:${name}`
    world.topics.create(arn)
    return { physicalId: arn, attributes: { TopicArn: arn, TopicName: name } }
  },
)

/** AWS::SNS::TopicPolicy: who may publish. */
export const topicPolicy = resourceType(
  z.strictObject({ Topics: z.array(z.string()), PolicyDocument: z.unknown() }),
  (logicalId, { Topics, PolicyDocument }, world) => {
    const policy = readResourcePolicy(logicalId, PolicyDocument)
    for (const arn of Topics) world.topics.setPolicy(arn, policy)
    return { physicalId: logicalId }
  },
)
