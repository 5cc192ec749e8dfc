import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  StartExecutionCommand,
  StopExecutionCommand,
  type GetExecutionHistoryOutput,
  type HistoryEvent,
  type StartExecutionOutput,
} from '@aws-sdk/client-sfn'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StatusChange } from '../../../local/states/status-change.ts'
import { calling, client, definition, ended, MACHINE, PASS, ROLE, until } from './client.ts'
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

const EXECUTION = 'arn:aws:states:us-east-1:123456789012:execution:warm'
const create = (text = PASS): Promise<unknown> =>
  sfn.send(new CreateStateMachineCommand({ name: 'warm', definition: text, roleArn: ROLE }))
const start = (rest: object = {}): Promise<StartExecutionOutput> =>
  sfn.send(new StartExecutionCommand({ stateMachineArn: MACHINE, ...rest }))
const WAIT = definition({ Wait: { Type: 'Wait', Seconds: 3600, End: true } })
const BUSY = definition({ Call: calling('busy') })

describe('an execution', () => {
  test('runs, and is described with its input and output', async () => {
    await create()
    const { executionArn, startDate } = await start({ name: 'first', input: '{"a": 1}' })
    expect(executionArn).toBe(`${EXECUTION}:first`)
    const described = await ended(sfn, executionArn)
    expect(described).toMatchObject({
      executionArn,
      stateMachineArn: MACHINE,
      name: 'first',
      status: 'SUCCEEDED',
      startDate,
      input: '{"a": 1}',
      output: '{"got":{"a":1}}',
    })
    expect(described.stopDate).toBeInstanceOf(Date)
  })

  test('has a name and an empty input of its own when it is given none', async () => {
    await create()
    const { executionArn } = await start()
    expect(executionArn).toMatch(/:execution:warm:[0-9a-f-]{36}$/)
    expect(await ended(sfn, executionArn)).toMatchObject({ input: '{}', output: '{"got":{}}' })
  })

  test('fails with an error and a cause', async () => {
    await create(BUSY)
    writeFileSync(join(folder, 'fail-busy'), '')
    const { executionArn } = await start()
    expect(await ended(sfn, executionArn)).toMatchObject({ status: 'FAILED', error: 'Broken', cause: 'why' })
  })

  test('the same name: the same execution while it runs with the same input, else an error', async () => {
    await create(WAIT)
    const first = await start({ name: 'push-1', input: '{"a":1}' })
    expect(await start({ name: 'push-1', input: '{"a":1}' })).toMatchObject({
      executionArn: first.executionArn,
      startDate: first.startDate,
    })
    await expect(start({ name: 'push-1', input: '{"a":2}' })).rejects.toMatchObject({
      name: 'ExecutionAlreadyExists',
    })
    await sfn.send(new StopExecutionCommand({ executionArn: first.executionArn }))
    await expect(start({ name: 'push-1', input: '{"a":1}' })).rejects.toMatchObject({
      name: 'ExecutionAlreadyExists',
    })
    expect((await sfn.send(new ListExecutionsCommand({ stateMachineArn: MACHINE }))).executions).toHaveLength(
      1,
    )
  })

  test('twenty racing starts with one name are one execution', async () => {
    await create(WAIT)
    const started = await Promise.all(
      Array.from({ length: 20 }, () => start({ name: 'push-1', input: '{}' })),
    )
    expect(new Set(started.map(({ executionArn }) => executionArn)).size).toBe(1)
    expect((await sfn.send(new ListExecutionsCommand({ stateMachineArn: MACHINE }))).executions).toHaveLength(
      1,
    )
  })

  test.each<[string, object, string]>([
    ['an empty name', { name: '' }, 'InvalidName'],
    ['a name of 81 characters', { name: 'x'.repeat(81) }, 'InvalidName'],
    ...Array.from(' <>{}[]?*"#%\\^|~`$&,;:/\u0001\u0085').map((character): [string, object, string] => [
      `the character ${JSON.stringify(character)} in its name`,
      { name: `a${character}b` },
      'InvalidName',
    ]),
    ['no JSON', { input: 'not json' }, 'InvalidExecutionInput'],
    ['an empty input', { input: '' }, 'InvalidExecutionInput'],
    ['an input above 256 KiB', { input: JSON.stringify('ä'.repeat(131_072)) }, 'ValidationException'],
    ['a state machine that is not there', { stateMachineArn: `${MACHINE}s` }, 'StateMachineDoesNotExist'],
    ['a trace header, which we do not know', { traceHeader: 'x' }, 'ValidationException'],
  ])('is not started with %s', async (_, rest, name) => {
    await create()
    await expect(start(rest)).rejects.toMatchObject({ name })
  })

  test.each(['null', '7', '"text"', '[]'])('takes %s as input', async (input) => {
    await create()
    expect(await ended(sfn, (await start({ input })).executionArn)).toMatchObject({
      output: `{"got":${input}}`,
    })
  })

  test('takes exactly 256 KiB', async () => {
    await create(definition({ Only: { Type: 'Pass', Output: 1, End: true } }))
    const input = JSON.stringify('x'.repeat(262_142))
    expect(await ended(sfn, (await start({ input })).executionArn)).toMatchObject({ output: '1' })
  })

  test('is stopped, with what it was doing', async () => {
    await create(BUSY)
    const { executionArn } = await start()
    await until(() => existsSync(join(folder, 'calls')))
    const { stopDate } = await sfn.send(
      new StopExecutionCommand({ executionArn, error: 'Mine', cause: 'enough' }),
    )
    expect(await sfn.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({
      status: 'ABORTED',
      stopDate,
      error: 'Mine',
      cause: 'enough',
    })
    expect((await sfn.send(new StopExecutionCommand({ executionArn }))).stopDate).toEqual(stopDate)
    await expect(
      sfn.send(new StopExecutionCommand({ executionArn: `${EXECUTION}:none` })),
    ).rejects.toMatchObject({ name: 'ExecutionDoesNotExist' })
  })
})

describe('a list of executions', () => {
  test('has the newest first, by status, in pages that new ones do not disturb', async () => {
    await create(WAIT)
    for (const name of ['a', 'b', 'c', 'd', 'e']) await start({ name })
    await sfn.send(new StopExecutionCommand({ executionArn: `${EXECUTION}:c` }))
    const list = async (rest: object): Promise<[string[], string | undefined]> => {
      const { executions, nextToken } = await sfn.send(
        new ListExecutionsCommand({ stateMachineArn: MACHINE, ...rest }),
      )
      return [(executions ?? []).map(({ name }) => name ?? ''), nextToken]
    }
    expect((await list({}))[0]).toEqual(['e', 'd', 'c', 'b', 'a'])
    expect((await list({ statusFilter: 'ABORTED' }))[0]).toEqual(['c'])
    expect((await list({ statusFilter: 'RUNNING' }))[0]).toEqual(['e', 'd', 'b', 'a'])
    const [first, nextToken] = await list({ maxResults: 2 })
    await start({ name: 'f' })
    const [second] = await list({ maxResults: 2, nextToken })
    expect([first, second]).toEqual([
      ['e', 'd'],
      ['c', 'b'],
    ])
    await expect(list({ statusFilter: 'RUNNING', nextToken })).rejects.toMatchObject({ name: 'InvalidToken' })
  })
})

const types = (events: HistoryEvent[] | undefined): (string | undefined)[] =>
  (events ?? []).map(({ type }) => type)

describe('a history', () => {
  const ORDER = ['ExecutionStarted', 'PassStateEntered', 'PassStateExited', 'ExecutionSucceeded']

  test('comes forwards, backwards and in pages', async () => {
    await create()
    const { executionArn } = await start()
    await ended(sfn, executionArn)
    const get = (rest: object = {}): Promise<GetExecutionHistoryOutput> =>
      sfn.send(new GetExecutionHistoryCommand({ executionArn, ...rest }))
    expect(types((await get()).events)).toEqual(ORDER)
    expect(types((await get({ reverseOrder: true })).events)).toEqual(ORDER.toReversed())
    const page = await get({ maxResults: 3 })
    expect(types(page.events)).toEqual(ORDER.slice(0, 3))
    expect(types((await get({ maxResults: 3, nextToken: page.nextToken })).events)).toEqual(ORDER.slice(3))
    await expect(get({ reverseOrder: true, nextToken: page.nextToken })).rejects.toMatchObject({
      name: 'InvalidToken',
    })
    const [, entered] = (await get({ includeExecutionData: false })).events ?? []
    expect(entered?.stateEnteredEventDetails).toEqual({ name: 'Only', inputDetails: { truncated: false } })
  })

  test('can be read while it grows', async () => {
    await create(BUSY)
    const { executionArn } = await start()
    await until(() => existsSync(join(folder, 'calls')))
    const running = await sfn.send(new GetExecutionHistoryCommand({ executionArn }))
    expect(types(running.events)).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
    ])
    writeFileSync(join(folder, 'go-busy'), '')
    await ended(sfn, executionArn)
    expect(types((await sfn.send(new GetExecutionHistoryCommand({ executionArn }))).events)).toHaveLength(7)
  })
})

describe('who listens', () => {
  test('hears of every status and of every event', async () => {
    const changes: StatusChange[] = []
    const events: string[] = []
    const stop = serving.states.onStatusChange((change) => changes.push(change))
    serving.states.onHistoryEvent((arn, { id, type }) => events.push(`${arn} ${id} ${type}`))
    await create()
    const { executionArn } = await start({ name: 'heard', input: '{"a":1}' })
    await ended(sfn, executionArn)
    expect(changes).toMatchObject([
      {
        executionArn,
        stateMachineArn: MACHINE,
        name: 'heard',
        status: 'RUNNING',
        stopDate: null,
        input: '{"a":1}',
        output: null,
      },
      {
        executionArn,
        status: 'SUCCEEDED',
        stopDate: expect.any(Number) as number,
        output: '{"got":{"a":1}}',
        outputDetails: { included: true },
      },
    ])
    expect(events).toHaveLength(4)
    expect(events[3]).toBe(`${executionArn} 4 ExecutionSucceeded`)
    stop()
    await ended(sfn, (await start()).executionArn)
    expect(changes).toHaveLength(2)
  })
})

describe('permissions', () => {
  test('are asked for by AWS’s own names, on the execution or its state machine', async () => {
    await create()
    const { executionArn } = await start({ name: 'x' })
    serving.asked.length = 0
    await start({ name: 'y' })
    await sfn.send(new DescribeExecutionCommand({ executionArn }))
    await sfn.send(new GetExecutionHistoryCommand({ executionArn }))
    await sfn.send(new StopExecutionCommand({ executionArn }))
    await sfn.send(new ListExecutionsCommand({ stateMachineArn: MACHINE }))
    expect(serving.asked).toEqual([
      `states:StartExecution ${MACHINE}`,
      `states:DescribeExecution ${EXECUTION}:x`,
      `states:GetExecutionHistory ${EXECUTION}:x`,
      `states:StopExecution ${EXECUTION}:x`,
      `states:ListExecutions ${MACHINE}`,
    ])
  })

  test('without one nothing is started', async () => {
    await create(BUSY)
    serving.denied.add('states:StartExecution')
    await expect(start()).rejects.toMatchObject({ name: 'AccessDeniedException' })
    expect((await sfn.send(new ListExecutionsCommand({ stateMachineArn: MACHINE }))).executions).toEqual([])
    expect(existsSync(join(folder, 'calls')) && readFileSync(join(folder, 'calls'), 'utf8')).toBe(false)
  })
})
