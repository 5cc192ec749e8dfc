import {
  CreateActivityCommand,
  CreateStateMachineCommand,
  DeleteActivityCommand,
  DescribeActivityCommand,
  GetActivityTaskCommand,
  ListActivitiesCommand,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { client, definition, ended, MACHINE, ROLE } from './client.ts'
import { serve, type Serving } from './serve.ts'

let folder: string
let serving: Serving
let sfn: ReturnType<typeof client>
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hearth-states-'))
  serving = await serve(folder)
  sfn = client(serving.endpoint)
})
afterEach(async () => {
  sfn.destroy()
  await serving.close()
  rmSync(folder, { recursive: true })
})

const ACTIVITY = 'arn:aws:states:us-east-1:123456789012:activity:mac'
const BUILD_ON_MAC = definition({
  BuildOnMac: { Type: 'Task', Resource: ACTIVITY, TimeoutSeconds: 600, HeartbeatSeconds: 60, End: true },
})

/** A run that waits for a Mac. */
async function run(input: string): Promise<string | undefined> {
  await sfn.send(new CreateStateMachineCommand({ name: 'warm', definition: BUILD_ON_MAC, roleArn: ROLE }))
  return (await sfn.send(new StartExecutionCommand({ stateMachineArn: MACHINE, input }))).executionArn
}
const poll = (workerName = 'mac-1'): GetActivityTaskCommand =>
  new GetActivityTaskCommand({ activityArn: ACTIVITY, workerName })

describe('an activity', () => {
  test('is created once, described, listed and deleted', async () => {
    const { creationDate } = await sfn.send(new CreateActivityCommand({ name: 'mac' }))
    expect(await sfn.send(new CreateActivityCommand({ name: 'mac' }))).toMatchObject({
      activityArn: ACTIVITY,
      creationDate,
    })
    expect(await sfn.send(new DescribeActivityCommand({ activityArn: ACTIVITY }))).toMatchObject({
      activityArn: ACTIVITY,
      name: 'mac',
      creationDate,
    })
    expect((await sfn.send(new ListActivitiesCommand({}))).activities).toMatchObject([
      { activityArn: ACTIVITY, name: 'mac' },
    ])
    await sfn.send(new DeleteActivityCommand({ activityArn: ACTIVITY }))
    await sfn.send(new DeleteActivityCommand({ activityArn: ACTIVITY }))
    await expect(sfn.send(new DescribeActivityCommand({ activityArn: ACTIVITY }))).rejects.toMatchObject({
      name: 'ActivityDoesNotExist',
      message: `Activity Does Not Exist: '${ACTIVITY}'`,
    })
    await expect(sfn.send(poll())).rejects.toMatchObject({ name: 'ActivityDoesNotExist' })
    await expect(sfn.send(new CreateActivityCommand({ name: 'a b$' }))).rejects.toMatchObject({
      name: 'InvalidName',
    })
  })
})

describe('a worker', () => {
  beforeEach(() => sfn.send(new CreateActivityCommand({ name: 'mac' })))

  test('takes a task that waits, shows signs of life, and finishes it', async () => {
    const executionArn = await run('{"batch":1}')
    const { taskToken, input } = await sfn.send(poll())
    expect(input).toBe('{"batch":1}')
    await sfn.send(new SendTaskHeartbeatCommand({ taskToken }))
    await sfn.send(new SendTaskSuccessCommand({ taskToken, output: '{"built":2}' }))
    expect(await ended(sfn, executionArn)).toMatchObject({ status: 'SUCCEEDED', output: '{"built":2}' })
    for (const late of [
      new SendTaskSuccessCommand({ taskToken, output: '1' }),
      new SendTaskHeartbeatCommand({ taskToken }),
      new SendTaskFailureCommand({ taskToken }),
    ])
      await expect(sfn.send(late as SendTaskHeartbeatCommand)).rejects.toMatchObject({ name: 'TaskTimedOut' })
  })

  test('that was there first is given the task as it comes', async () => {
    const polled = sfn.send(poll())
    await run('{"batch":2}')
    expect(await polled).toMatchObject({ input: '{"batch":2}' })
  })

  test('says that it failed, and why', async () => {
    const executionArn = await run('{}')
    const { taskToken } = await sfn.send(poll())
    await sfn.send(new SendTaskFailureCommand({ taskToken, error: 'NoSpace', cause: 'disk full' }))
    expect(await ended(sfn, executionArn)).toMatchObject({
      status: 'FAILED',
      error: 'NoSpace',
      cause: 'disk full',
    })
  })

  test('that hung up gets nothing: the next one does', async () => {
    const hangUp = new AbortController()
    const polled = sfn.send(poll('gone'), { abortSignal: hangUp.signal })
    const other = client(serving.endpoint)
    await new Promise((resolve) => setTimeout(resolve, 50))
    hangUp.abort()
    await expect(polled).rejects.toThrow()
    const next = other.send(poll('next'))
    await run('{"batch":3}')
    expect(await next).toMatchObject({ input: '{"batch":3}' })
    other.destroy()
  })

  test('of a run that was stopped is told so', async () => {
    const executionArn = await run('{}')
    const { taskToken } = await sfn.send(poll())
    await sfn.send(new StopExecutionCommand({ executionArn }))
    await expect(sfn.send(new SendTaskHeartbeatCommand({ taskToken }))).rejects.toMatchObject({
      name: 'TaskTimedOut',
    })
  })

  test.each<[string, object, string]>([
    ['a token that is none', { taskToken: 'x', output: '1' }, 'InvalidToken'],
    ['a token of nobody', { taskToken: 'A'.repeat(80), output: '1' }, 'TaskTimedOut'],
    ['an output that is no JSON', { output: 'done' }, 'InvalidOutput'],
    ['an output above 256 KiB', { output: JSON.stringify('x'.repeat(262_143)) }, 'ValidationException'],
  ])('is refused with %s', async (_, rest, name) => {
    await run('{}')
    const { taskToken } = await sfn.send(poll())
    await expect(
      sfn.send(new SendTaskSuccessCommand({ taskToken, output: '1', ...rest })),
    ).rejects.toMatchObject({ name })
  })

  test('that waits when the stack goes down gets an empty answer', async () => {
    const polled = sfn.send(poll())
    await new Promise((resolve) => setTimeout(resolve, 50))
    await serving.states.close()
    expect((await polled).taskToken).toBeUndefined()
  })
})
