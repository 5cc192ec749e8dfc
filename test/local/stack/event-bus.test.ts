import { EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge'
import { describe, expect, onTestFinished, test } from 'vitest'
import { allow, fn, role, startTestStack, until, type Resources, type TestStack } from './test-stack.ts'

const RULE = { 'Fn::GetAtt': ['Ended', 'Arn'] }

/** A rule that sends what has ended badly to a topic and to a function. */
function resources(more: Resources = {}): Resources {
  return {
    Role: role(),
    Sender: role(
      allow('events:PutEvents', 'arn:aws:events:us-east-1:123456789012:event-bus/default', {
        StringEquals: { 'events:source': 'hearth' },
      }),
    ),
    Listener: fn('export const handler = async (event) => console.log(JSON.stringify(event))'),
    Ended: {
      Type: 'AWS::Events::Rule',
      Properties: {
        EventPattern: { source: ['hearth'], detail: { outcome: ['failure'] } },
        Targets: [
          {
            Id: 'topic',
            Arn: { Ref: 'Topic' },
            InputTransformer: { InputPathsMap: { text: '$.detail.text' }, InputTemplate: '"Hearth: <text>"' },
          },
          { Id: 'function', Arn: { 'Fn::GetAtt': ['Listener', 'Arn'] } },
        ],
      },
    },
    Permission: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        FunctionName: { Ref: 'Listener' },
        Action: 'lambda:InvokeFunction',
        Principal: 'events.amazonaws.com',
        SourceArn: RULE,
      },
    },
    Topic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'runs' } },
    TopicPolicy: {
      Type: 'AWS::SNS::TopicPolicy',
      Properties: {
        Topics: [{ Ref: 'Topic' }],
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: {
            Effect: 'Allow',
            Principal: { Service: 'events.amazonaws.com' },
            Action: 'sns:Publish',
            Resource: { Ref: 'Topic' },
            Condition: { ArnEquals: { 'aws:SourceArn': RULE } },
          },
        },
      },
    },
    ...more,
  }
}

function senderOf({ stack }: TestStack): EventBridgeClient {
  const credentials = stack.credentialsFor('Sender', 'test')
  const client = new EventBridgeClient({
    endpoint: stack.endpoint,
    region: 'us-east-1',
    credentials,
    maxAttempts: 1,
  })
  onTestFinished(() => client.destroy())
  return client
}

const entry = (detail: object, more: Partial<PutEventsRequestEntry> = {}): PutEventsRequestEntry => ({
  Source: 'hearth',
  DetailType: 'Hearth Run Ended',
  Detail: JSON.stringify(detail),
  ...more,
})
const put = (started: TestStack, ...Entries: PutEventsRequestEntry[]) =>
  senderOf(started).send(new PutEventsCommand({ Entries }))
const lines = ({ events }: TestStack): string[] =>
  events.flatMap((event) => (event.kind === 'function-log' ? event.lines : []))

test('an event that somebody puts on the bus comes to the targets of the rules that match it', async () => {
  const started = await startTestStack(resources())
  const answer = await put(
    started,
    entry({ outcome: 'success', text: 'fine' }),
    entry({ outcome: 'failure', text: 'broken' }),
  )
  expect(answer).toMatchObject({ FailedEntryCount: 0, Entries: [{ EventId: expect.any(String) }, {}] })
  const line = await until(() => lines(started)[0])
  expect(JSON.parse(line)).toMatchObject({
    version: '0',
    source: 'hearth',
    'detail-type': 'Hearth Run Ended',
    account: '123456789012',
    region: 'us-east-1',
    detail: { outcome: 'failure', text: 'broken' },
  })
  expect(started.stack.notifications).toEqual([
    { topicArn: started.stack.physicalId('Topic'), message: '"Hearth: broken"', at: expect.any(String) },
  ])
  expect(started.events.filter(({ kind }) => kind === 'bus-event')).toHaveLength(2)
  expect(started.events.filter(({ kind }) => kind === 'notification')).toHaveLength(1)
})

describe('an entry is refused, by itself', () => {
  test.each<[string, PutEventsRequestEntry, object]>([
    ['that is no JSON object', { ...entry({}), Detail: '[1]' }, { ErrorCode: 'MalformedDetail' }],
    ['that is no JSON', { ...entry({}), Detail: '{' }, { ErrorCode: 'MalformedDetail' }],
  ])('%s', async (_, refused, answer) => {
    const started = await startTestStack(resources())
    expect(await put(started, refused, entry({}))).toMatchObject({
      FailedEntryCount: 1,
      Entries: [answer, { EventId: expect.any(String) }],
    })
  })
})

describe('a request is refused', () => {
  test.each<[string, PutEventsRequestEntry[], string]>([
    [
      "of a source that the sender's role does not name",
      [entry({}, { Source: 'aws.states' })],
      'AccessDeniedException',
    ],
    ['for another bus', [entry({}, { EventBusName: 'other' })], 'AccessDeniedException'],
    ['of more than 256 KB', [entry({ text: 'x'.repeat(262_144) })], 'ValidationException'],
    ['of eleven entries', Array.from({ length: 11 }, () => entry({})), 'ValidationException'],
    ['with what is not known here', [entry({}, { TraceHeader: 'x' })], 'ValidationException'],
  ])('%s', async (_, entries, name) => {
    const started = await startTestStack(resources())
    await expect(put(started, ...entries)).rejects.toMatchObject({ name })
    expect(started.events.filter(({ kind }) => kind === 'bus-event')).toEqual([])
  })
})

describe('a topic takes only what its policy lets in', () => {
  const statement = (more: object): Resources => ({
    TopicPolicy: {
      Type: 'AWS::SNS::TopicPolicy',
      Properties: {
        Topics: [{ Ref: 'Topic' }],
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: {
            Effect: 'Allow',
            Principal: { Service: 'events.amazonaws.com' },
            Action: 'sns:Publish',
            Resource: { Ref: 'Topic' },
            ...more,
          },
        },
      },
    },
  })
  test.each<[string, Resources]>([
    ['of another service', statement({ Principal: { Service: 'cloudwatch.amazonaws.com' } })],
    ['another action', statement({ Action: 'sns:Subscribe' })],
    [
      'for another rule',
      statement({
        Condition: { ArnEquals: { 'aws:SourceArn': 'arn:aws:events:us-east-1:123456789012:rule/other' } },
      }),
    ],
  ])('%s', async (_, more) => {
    const started = await startTestStack(resources(more))
    await put(started, entry({ outcome: 'failure', text: 'broken' }))
    const failure = await until(() => started.events.find(({ kind }) => kind === 'failure'))
    expect(failure).toMatchObject({
      where: 'rule Ended',
      message: expect.stringContaining('may not publish to'),
    })
    expect(started.stack.notifications).toEqual([])
  })
})

describe('a template is refused', () => {
  const rule = (properties: object): Resources => {
    const { Ended, ...rest } = resources()
    return {
      ...rest,
      Ended: { ...Ended, Properties: { ...(Ended?.['Properties'] as object), ...properties } },
    }
  }
  test.each<[string, Resources, string]>([
    [
      "with a rule for another of AWS's sources",
      rule({ EventPattern: { source: ['aws.ec2'] } }),
      'source aws.states only',
    ],
    [
      'with a template that names nothing',
      rule({ Targets: [{ Id: 't', Arn: { Ref: 'Topic' }, InputTransformer: { InputTemplate: '"<x>"' } }] }),
      '<x> has no path',
    ],
    [
      'with both inputs',
      rule({
        Targets: [
          { Id: 't', Arn: { Ref: 'Topic' }, Input: '{}', InputTransformer: { InputTemplate: '"x"' } },
        ],
      }),
      'either Input or InputTransformer',
    ],
  ])('%s', async (_, template, message) => {
    await expect(startTestStack(template)).rejects.toThrow(message)
  })
})
