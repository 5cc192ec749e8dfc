import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  ListStateMachinesCommand,
  StartExecutionCommand,
  type SFNClient,
} from '@aws-sdk/client-sfn'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { calling, client, definition, ended, MACHINE, ROLE, until } from './client.ts'

let folder: string
let child: ChildProcess | undefined
let sfn: SFNClient
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hearth-states-'))
})
afterEach(async () => {
  sfn.destroy()
  await kill()
  rmSync(folder, { recursive: true })
})

/** Step Functions as a process of its own. @returns the executions that it took up again */
async function up(): Promise<string[]> {
  child = spawn(process.execPath, [join(import.meta.dirname, 'serve.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (!child.stdout) throw new Error('no output')
  for await (const line of createInterface({ input: child.stdout })) {
    const { endpoint, resumed } = JSON.parse(line) as { endpoint: string; resumed: string[] }
    sfn = client(endpoint)
    return resumed
  }
  throw new Error('the server said nothing')
}
/** As a power cut ends a process: without a word. */
async function kill(): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
const calls = (): string[] =>
  existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n') : []
const go = (name: string): void => writeFileSync(join(folder, `go-${name}`), '')
async function begin(text: string, input = '{}'): Promise<string | undefined> {
  await sfn.send(new CreateStateMachineCommand({ name: 'warm', definition: text, roleArn: ROLE }))
  return (await sfn.send(new StartExecutionCommand({ stateMachineArn: MACHINE, name: 'run', input })))
    .executionArn
}

describe('an execution in whose middle the process is killed', () => {
  test('goes on from the state that it was in, with its input and its variables', async () => {
    expect(await up()).toEqual([])
    go('first')
    const executionArn = await begin(
      definition({
        First: calling('first', {
          Assign: { kept: '{% $states.result.Payload.n %}' },
          Output: { n: 2 },
          Next: 'Second',
        }),
        Second: calling('second', { Next: 'Third' }),
        Third: {
          Type: 'Pass',
          Output: '{% [$kept, $states.input.n, $states.context.Execution.RedriveCount] %}',
          End: true,
        },
      }),
      '{"n":1}',
    )
    await until(() => calls().length === 2)
    await kill()
    go('second')
    expect(await up()).toEqual([executionArn])
    expect(await ended(sfn, executionArn)).toMatchObject({
      status: 'SUCCEEDED',
      output: '[1,2,1]',
      redriveCount: 1,
      input: '{"n":1}',
    })
    expect(calls()).toEqual(['first', 'second', 'second'])
    const { events = [] } = await sfn.send(new GetExecutionHistoryCommand({ executionArn }))
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1))
    const seam = events.findIndex(({ type }) => type === 'ExecutionRedriven')
    expect(events.slice(seam - 1, seam + 2).map(({ type }) => type)).toEqual([
      'TaskStarted',
      'ExecutionRedriven',
      'TaskStateEntered',
    ])
  })

  test('repeats a whole Map, and nothing before it', async () => {
    await up()
    for (const name of ['before', 'a']) go(name)
    const each = {
      StartAt: 'Each',
      States: {
        Each: {
          ...calling('x'),
          Arguments: { FunctionName: '{% $states.input %}' },
          Output: '{% $states.context.Map.Item.Value %}',
        },
      },
    }
    const executionArn = await begin(
      definition({
        Before: calling('before', { Next: 'Map' }),
        Map: { Type: 'Map', Items: ['a', 'b'], ItemProcessor: each, End: true },
      }),
    )
    await until(() => calls().length === 3)
    await kill()
    go('b')
    await up()
    expect(await ended(sfn, executionArn)).toMatchObject({ status: 'SUCCEEDED', output: '["a","b"]' })
    expect(calls().filter((name) => name === 'before')).toHaveLength(1)
  })

  test('survives being killed again and again', async () => {
    await up()
    const executionArn = await begin(definition({ Only: calling('only') }), '7')
    for (let times = 1; times <= 3; times++) {
      await until(() => calls().length === times)
      await kill()
      await up()
    }
    go('only')
    expect(await ended(sfn, executionArn)).toMatchObject({
      status: 'SUCCEEDED',
      output: '7',
      redriveCount: 3,
    })
  })

  test('a line of its history that was never finished is cut off', async () => {
    await up()
    const executionArn = await begin(definition({ Only: calling('only') }))
    await until(() => calls().length === 1)
    await kill()
    appendFileSync(
      join(folder, 'states', 'executions', 'warm', 'run', 'history.jsonl'),
      '{"id":5,"type":"TaskSucc',
    )
    go('only')
    await up()
    expect(await ended(sfn, executionArn)).toMatchObject({ status: 'SUCCEEDED' })
    const { events = [] } = await sfn.send(new GetExecutionHistoryCommand({ executionArn }))
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1))
  })

  test('that had already ended, but for its record, has ended', async () => {
    await up()
    go('only')
    const executionArn = await begin(definition({ Only: calling('only') }), '7')
    const { stopDate } = await ended(sfn, executionArn)
    await kill()
    const file = join(folder, 'states', 'executions', 'warm', 'run', 'execution.json')
    const record = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
    writeFileSync(
      file,
      JSON.stringify({ ...record, status: 'RUNNING', output: undefined, stopDate: undefined }),
    )
    await up()
    const described = await sfn.send(new DescribeExecutionCommand({ executionArn }))
    expect(described).toMatchObject({ status: 'SUCCEEDED', output: '7' })
    expect(Math.abs(Number(described.stopDate) - Number(stopDate))).toBeLessThan(1000)
    expect(calls()).toEqual(['only'])
  })

  test('state machines and finished executions are still there', async () => {
    await up()
    go('only')
    const executionArn = await begin(definition({ Only: calling('only') }), '7')
    await ended(sfn, executionArn)
    await kill()
    expect(await up()).toEqual([])
    expect((await sfn.send(new ListStateMachinesCommand({}))).stateMachines).toMatchObject([
      { stateMachineArn: MACHINE },
    ])
    expect(await sfn.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({
      status: 'SUCCEEDED',
      output: '7',
    })
    await expect(
      sfn.send(new StartExecutionCommand({ stateMachineArn: MACHINE, name: 'run', input: '7' })),
    ).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' })
  })
})
