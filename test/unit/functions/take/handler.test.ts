import {
  BatchGetBuildsCommand,
  type BatchGetBuildsCommandOutput,
  CodeBuildClient,
} from '@aws-sdk/client-codebuild'
import { DescribeExecutionCommand, SendTaskSuccessCommand } from '@aws-sdk/client-sfn'
import { mockClient } from 'aws-sdk-client-mock'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { handler as Build } from '../../../../functions/build/index.ts'
import type { handler as Take } from '../../../../functions/take/index.ts'
import { stateKeys } from '../../../../functions/shared/keys.ts'
import { drv } from '../graphs.ts'
import { captureLog, context } from '../lambda.ts'
import { Scene, type SceneRun, X86 } from './scene.ts'

const ARN = 'arn:aws:states:eu-central-1:123456789012:execution:hearth-warm:'
const BUILD = 'hearth-builder:1f6ab8c2-5b8e-4d2a-9b1c-0e7f6a5d4c3b'
const MACHINE = 'AROABUILDER:AWSCodeBuild-1f6ab8c2-5b8e-4d2a-9b1c-0e7f6a5d4c3b'

const codebuild = mockClient(CodeBuildClient)
let scene: Scene
let take: typeof Take
let build: typeof Build
let log: ReturnType<typeof captureLog>
beforeEach(async () => {
  vi.stubEnv('STATE_BUCKET', 'state')
  vi.stubEnv('BUILDER_ROLE_ID', 'AROABUILDER')
  log = captureLog()
  codebuild.reset()
  scene = new Scene()
  ;({ handler: take } = await import('../../../../functions/take/index.ts'))
  ;({ handler: build } = await import('../../../../functions/build/index.ts'))
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

/** What the state machine sends. */
const payload = (run: SceneRun, token: string, changes: object = {}) => ({
  run: run.name,
  execution: ARN + run.name,
  lane: { wave: 1, system: X86, slot: 1 },
  taken: 0,
  machine: {},
  token,
  ...changes,
})

describe('Take', () => {
  test('answers by the token of the task, and with nothing else', async () => {
    const run = await scene.run({ lib: {} })
    const { token } = run.question(1, 0)
    expect(await take(payload(run, token), context)).toEqual({})
    expect(run.answers.get(token)).toMatchObject({ verdict: 'build', hand: [`1-${X86}-1-1`], isFresh: true })
  })

  test('knows the machine by the build that serves the lane', async () => {
    const run = await scene.run({ lib: {} })
    const { token } = run.question(1, 0)
    const answered = new Date().toISOString()
    const machine = { build: BUILD, turns: 2, answered, isDone: true, building: 'nothing, it says' }
    await take(payload(run, token, { machine }), context)
    expect(run.answers.get(token)).toMatchObject({ verdict: 'build', isFresh: false })
    run.publish(`1-${X86}-1-1`)
    await take(payload(run, run.question(1, 1).token, { taken: 1, machine }), context)
    expect(scene.buckets.json(`state/${stateKeys.machineJob(MACHINE, 3)}`)).toEqual({ version: 1, end: true })
  })

  test('asks Step Functions about other runs by the ARN of its own', async () => {
    const other = await scene.run({ lib: {} })
    await other.take(1, 0)
    const run = await scene.run({ lib: {} })
    await take(payload(run, run.question(1, 0).token), context)
    const asked = scene.stepFunctions.mock.commandCalls(DescribeExecutionCommand)
    expect(new Set(asked.map(({ args: [{ input }] }) => input.executionArn))).toEqual(
      new Set([ARN + other.name]),
    )
    expect(run.parked()).toMatchObject([
      { waits: [{ for: 'run', run: other.name, derivations: [drv('lib')] }] },
    ])
  })

  test('takes a run that Step Functions has forgotten for one that has ended', async () => {
    const other = await scene.run({ lib: {} })
    await other.take(1, 0)
    scene.stepFunctions.running.delete(other.name)
    const run = await scene.run({ lib: {} })
    const { token } = run.question(1, 0)
    await take(payload(run, token), context)
    expect(run.answers.get(token)).toMatchObject({ verdict: 'build' })
  })

  test('writes no token into its log', async () => {
    const run = await scene.run({ lib: {}, app: { needs: ['lib'] } })
    const { token } = run.question(1, 0)
    await take(payload(run, token), context)
    await take(payload(run, token, { lane: { wave: 1, system: X86, slot: 2 } }), context)
    expect(scene.stepFunctions.mock.commandCalls(SendTaskSuccessCommand)).not.toEqual([])
    expect(log.text()).toContain('taken')
    expect(log.text()).not.toContain(token)
  })

  test.each([
    ['a lane without a wave', { lane: { system: X86, slot: 1 } }, 'lane.wave: '],
    ['no machine, said in no way', { machine: undefined }, 'machine: '],
    ['no token', { token: undefined }, 'token: '],
  ])('refuses a payload that the state machine does not send: %s', async (_, changes, message) => {
    const run = await scene.run({ lib: {} })
    await expect(take(payload(run, 'token', changes), context)).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringContaining(message) as string,
    })
  })
})

describe('Build', () => {
  const batch = `1-${X86}-1-1`
  const input = {
    run: 'run',
    work: { verdict: 'build', given: { batch, job: `runs/run/batches/${batch}.json` } },
    build: BUILD,
    turn: 3,
    token: 'the-token',
  }

  test("leaves the job where its machine looks, with the task's token, and says who serves the batch", async () => {
    expect(await build(input, context)).toEqual({})
    expect(scene.buckets.json(`state/jobs/${MACHINE}/3.json`)).toEqual({
      version: 1,
      token: 'the-token',
      job: input.work.given.job,
    })
    expect(scene.buckets.json(`state/${stateKeys.batchMachine('run', batch)}`)).toMatchObject({
      machine: MACHINE,
    })
    // who sees the job may look at once for what belongs to it
    expect(scene.buckets.written.at(-1)).toBe(`state/jobs/${MACHINE}/3.json`)
  })

  test('lets a machine go on with what it has, when there is nothing new', async () => {
    await build({ ...input, work: { verdict: 'build', hand: [batch] } }, context)
    expect(scene.buckets.json(`state/jobs/${MACHINE}/3.json`)).toEqual({
      version: 1,
      token: 'the-token',
      goOn: true,
    })
  })

  test.each([
    ['FAILED', 'ended FAILED before its machine said that it was there'],
    [undefined, 'ended and is forgotten before its machine said that it was there'],
  ])('waits no longer for a machine whose build is over: %s', async (buildStatus, message) => {
    const builds = buildStatus === undefined ? [] : [{ buildStatus }]
    codebuild.on(BatchGetBuildsCommand, { ids: [BUILD] }).resolves({ builds } as BatchGetBuildsCommandOutput)
    const again = { run: 'run', build: BUILD, turn: 2, token: 'the-token' }
    await expect(build(again, context)).rejects.toMatchObject({
      name: 'MachineEnded',
      message: expect.stringContaining(message) as string,
    })
    expect(scene.buckets.written).toEqual([])
  })

  test('asks a machine anew that may still come', async () => {
    codebuild.on(BatchGetBuildsCommand).resolves({ builds: [{ buildStatus: 'IN_PROGRESS' }] })
    await build({ run: 'run', build: BUILD, turn: 2, token: 'the-token' }, context)
    expect(scene.buckets.json(`state/jobs/${MACHINE}/2.json`)).toMatchObject({ hello: true })
  })

  test('asks a machine that was just started to say that it is there', async () => {
    await build({ run: 'run', build: BUILD, turn: 1, token: 'the-token' }, context)
    expect(scene.buckets.json(`state/jobs/${MACHINE}/1.json`)).toEqual({
      version: 1,
      token: 'the-token',
      hello: true,
    })
  })

  test('hands over again, with the newer token, when nobody heard that it had', async () => {
    await build(input, context)
    await build({ ...input, token: 'the-newer-token' }, context)
    expect(scene.buckets.json(`state/jobs/${MACHINE}/3.json`)).toMatchObject({ token: 'the-newer-token' })
  })

  test('writes no token into its log', async () => {
    await build(input, context)
    expect(log.text()).toContain('handed over')
    expect(log.text()).not.toContain('the-token')
  })
})
