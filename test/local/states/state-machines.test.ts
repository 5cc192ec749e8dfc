import {
  CreateStateMachineCommand,
  DeleteStateMachineCommand,
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  DescribeStateMachineForExecutionCommand,
  ListStateMachinesCommand,
  ListTagsForResourceCommand,
  StartExecutionCommand,
  StopExecutionCommand,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { client, definition, MACHINE, PASS, ROLE, until } from './client.ts'
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

const create = (rest: object = {}): CreateStateMachineCommand =>
  new CreateStateMachineCommand({ name: 'warm', definition: PASS, roleArn: ROLE, ...rest })
const OTHER = definition({ Other: { Type: 'Succeed' } })
const WAIT = definition({ Wait: { Type: 'Wait', Seconds: 3600, End: true } })

describe('a state machine', () => {
  test('is created, described to the letter, and listed', async () => {
    const created = await sfn.send(create())
    expect(created).toMatchObject({ stateMachineArn: MACHINE, creationDate: expect.any(Date) as Date })
    expect(await sfn.send(new DescribeStateMachineCommand({ stateMachineArn: MACHINE }))).toMatchObject({
      stateMachineArn: MACHINE,
      name: 'warm',
      status: 'ACTIVE',
      type: 'STANDARD',
      definition: PASS,
      roleArn: ROLE,
      creationDate: created.creationDate,
      loggingConfiguration: { level: 'OFF', includeExecutionData: false },
    })
    const { stateMachines } = await sfn.send(new ListStateMachinesCommand({}))
    expect(stateMachines).toMatchObject([{ stateMachineArn: MACHINE, name: 'warm', type: 'STANDARD' }])
  })

  test('created again as it is, is the same one; otherwise it exists already', async () => {
    const first = await sfn.send(create())
    expect(await sfn.send(create())).toMatchObject({ creationDate: first.creationDate })
    await expect(sfn.send(create({ definition: OTHER }))).rejects.toMatchObject({
      name: 'StateMachineAlreadyExists',
    })
    // another format of the same JSON is another definition, as at AWS
    await expect(sfn.send(create({ definition: `${PASS} ` }))).rejects.toMatchObject({
      name: 'StateMachineAlreadyExists',
    })
  })

  test.each<[string, object, string, RegExp]>([
    [
      'a definition with a fault',
      { definition: definition({ Build: { Type: 'Pass', Foo: 1, End: true } }) },
      'InvalidDefinition',
      /States\.Build\.Foo: unknown field/,
    ],
    ['no JSON', { definition: '{' }, 'InvalidDefinition', /no JSON/],
    ['a name with a space', { name: 'a b' }, 'InvalidName', /a b/],
    ['a name of 81 characters', { name: 'x'.repeat(81) }, 'InvalidName', /x/],
    ['a role that is none', { roleArn: 'admin' }, 'InvalidArn', /admin/],
    ['an express machine', { type: 'EXPRESS' }, 'StateMachineTypeNotSupported', /EXPRESS/],
    ['a parameter that we do not know', { publish: true }, 'ValidationException', /publish/],
  ])('is refused with %s', async (_, rest, name, message) => {
    await expect(sfn.send(create(rest))).rejects.toMatchObject({
      name,
      message: expect.stringMatching(message) as string,
    })
  })

  test('is updated; an execution that runs keeps what it began with', async () => {
    await sfn.send(create({ definition: WAIT }))
    const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn: MACHINE }))
    const updated = await sfn.send(
      new UpdateStateMachineCommand({ stateMachineArn: MACHINE, definition: OTHER }),
    )
    expect(updated).toMatchObject({
      revisionId: expect.any(String) as string,
      updateDate: expect.any(Date) as Date,
    })
    const again = await sfn.send(
      new UpdateStateMachineCommand({ stateMachineArn: MACHINE, definition: OTHER }),
    )
    expect(again.revisionId).toBe(updated.revisionId)
    expect(await sfn.send(new DescribeStateMachineCommand({ stateMachineArn: MACHINE }))).toMatchObject({
      definition: OTHER,
      revisionId: updated.revisionId,
    })
    expect(await sfn.send(new DescribeStateMachineForExecutionCommand({ executionArn }))).toMatchObject({
      definition: WAIT,
      name: 'warm',
      roleArn: ROLE,
    })
  })

  test.each<[string, object, string]>([
    ['nothing to update', {}, 'MissingRequiredParameter'],
    ['a fault', { definition: definition({ A: { Type: 'Jump' } }) }, 'InvalidDefinition'],
    [
      'another one that is not there',
      { stateMachineArn: `${MACHINE}s`, roleArn: ROLE },
      'StateMachineDoesNotExist',
    ],
    [
      'the ARN of something else',
      { stateMachineArn: MACHINE.replace('stateMachine', 'activity'), roleArn: ROLE },
      'InvalidArn',
    ],
    ['no ARN', { stateMachineArn: 'warm', roleArn: ROLE }, 'InvalidArn'],
  ])('is not updated with %s', async (_, rest, name) => {
    await sfn.send(create())
    await expect(
      sfn.send(new UpdateStateMachineCommand({ stateMachineArn: MACHINE, ...rest })),
    ).rejects.toMatchObject({ name })
  })

  test('is deleted, and deleting it again is no error', async () => {
    await sfn.send(create())
    await sfn.send(new DeleteStateMachineCommand({ stateMachineArn: MACHINE }))
    await sfn.send(new DeleteStateMachineCommand({ stateMachineArn: MACHINE }))
    await expect(
      sfn.send(new DescribeStateMachineCommand({ stateMachineArn: MACHINE })),
    ).rejects.toMatchObject({ name: 'StateMachineDoesNotExist' })
    await sfn.send(create({ definition: OTHER }))
  })

  test('is deleted when its last execution has ended', async () => {
    await sfn.send(create({ definition: WAIT }))
    const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn: MACHINE }))
    await sfn.send(new DeleteStateMachineCommand({ stateMachineArn: MACHINE }))
    expect(await sfn.send(new DescribeStateMachineCommand({ stateMachineArn: MACHINE }))).toMatchObject({
      status: 'DELETING',
    })
    await expect(sfn.send(new StartExecutionCommand({ stateMachineArn: MACHINE }))).rejects.toMatchObject({
      name: 'StateMachineDeleting',
    })
    await sfn.send(new StopExecutionCommand({ executionArn }))
    await until(async () => (await sfn.send(new ListStateMachinesCommand({}))).stateMachines?.length === 0)
    expect(await sfn.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({
      status: 'ABORTED',
    })
  })

  test('many of them come in pages', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await sfn.send(create({ name }))
    const names: string[][] = []
    let nextToken: string | undefined
    do {
      const page = await sfn.send(new ListStateMachinesCommand({ maxResults: 2, nextToken }))
      names.push((page.stateMachines ?? []).map(({ name }) => name ?? ''))
      nextToken = page.nextToken
    } while (nextToken !== undefined)
    expect(names).toEqual([['a', 'b'], ['c', 'd'], ['e']])
    await expect(sfn.send(new ListStateMachinesCommand({ nextToken: 'nonsense' }))).rejects.toMatchObject({
      name: 'InvalidToken',
    })
  })
})

describe('the API', () => {
  test('names an operation that it does not have', async () => {
    await expect(sfn.send(new ListTagsForResourceCommand({ resourceArn: MACHINE }))).rejects.toMatchObject({
      name: 'UnknownOperationException',
      message: expect.stringContaining('AWSStepFunctions.ListTagsForResource') as string,
    })
  })

  test('asks for the permission to pass the role', async () => {
    await sfn.send(create())
    expect(serving.asked).toEqual([`states:CreateStateMachine ${MACHINE}`, `iam:PassRole ${ROLE}`])
  })

  test('does nothing without permission', async () => {
    serving.denied.add('states:CreateStateMachine')
    await expect(sfn.send(create())).rejects.toMatchObject({ name: 'AccessDeniedException' })
    expect((await sfn.send(new ListStateMachinesCommand({}))).stateMachines).toEqual([])
  })
})
