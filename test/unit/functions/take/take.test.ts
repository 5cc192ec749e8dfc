import { beforeEach, describe, expect, test } from 'vitest'
import type { DerivationOutcome } from '../../../../functions/shared/contract.ts'
import { stateKeys } from '../../../../functions/shared/keys.ts'
import { passingFailures } from '../../../../functions/take/back-off.ts'
import { batchDerivation, became as told, jobOf, outcomeOf } from '../batches.ts'
import { drv, storePath } from '../graphs.ts'
import { MAC, NOW, Scene, type SceneRun, X86 } from './scene.ts'

let scene: Scene
beforeEach(() => {
  scene = new Scene()
})

const FIRST = `1-${X86}-1-1`

describe('a lane that asks', () => {
  test('gets what is ready, and a key to its job', async () => {
    const run = await scene.run(
      { lib: { seconds: 4 }, app: { needs: ['lib'] } },
      { [X86]: { lanes: 1, slots: 1 } },
    )
    expect(await run.take(1, 0)).toEqual({
      verdict: 'build',
      system: X86,
      kind: 'codebuild',
      hand: [FIRST],
      given: { batch: FIRST, job: `runs/${run.name}/batches/${FIRST}.json` },
      isFresh: true,
    })
    expect(run.jobOf(FIRST)).toMatchObject({
      kind: 'build',
      run: run.name,
      wave: 1,
      batch: FIRST,
      system: X86,
      archive: { key: 'archive', sha256: 'abc' },
      derivations: [
        { drvPath: drv('lib'), needs: [] },
        { drvPath: drv('app'), needs: [drv('lib')] },
      ],
    })
  })

  test('waits while what is left needs what another one builds', async () => {
    const run = await scene.run({ lib: { seconds: 9000 }, app: { needs: ['lib'], seconds: 9000 } })
    expect(await run.taken(1, 0)).toBe('lib')
    expect(await run.taken(2, 0)).toBe('parked')
    expect(run.parked()).toMatchObject([{ lane: { slot: 2 }, waits: [] }])
  })

  test('is over when nothing is left for its system', async () => {
    const run = await scene.run({ lib: {} })
    expect(await run.taken(1, 0)).toBe('lib')
    expect(await run.taken(2, 0)).toBe('over')
    run.publish(FIRST)
    expect(await run.taken(1, 1)).toBe('over')
    expect(run.parked()).toEqual([])
  })

  test('is over when what is left needs what has failed', async () => {
    const run = await scene.run({ lib: { seconds: 9000 }, app: { needs: ['lib'], seconds: 9000 } })
    expect(await run.taken(1, 0)).toBe('lib')
    run.publish(FIRST, 'failed')
    expect(await run.taken(1, 1)).toBe('over')
  })

  test('tries a few times more what was lost, and no more than that', async () => {
    const run = await scene.run({ lib: {} })
    for (const taken of [0, 1, 2, 3]) {
      expect(await run.taken(1, taken)).toBe('lib')
      run.publish(`1-${X86}-1-${taken + 1}`, 'lost')
    }
    expect(await run.taken(1, 4)).toBe('over')
  })

  test('gets what another system has made when it is published, and not before', async () => {
    const machines = { [X86]: { lanes: 1, slots: 1 }, 'aarch64-linux': { lanes: 1, slots: 1 } }
    const run = await scene.run(
      { firmware: { system: 'aarch64-linux' }, app: { needs: ['firmware'] } },
      machines,
    )
    const arm = { lane: { system: 'aarch64-linux', slot: 1 } }
    expect(await run.taken(1, 0, arm)).toBe('firmware')
    expect(await run.taken(1, 0)).toBe('parked')
    run.publish('1-aarch64-linux-1-1')
    expect(await run.taken(1, 1, arm)).toBe('over')
    expect([...run.answers.values()]).toContainEqual({ verdict: 'look' })
    expect(await run.taken(1, 0)).toBe('app')
  })
})

describe('asked again with the same number, Take answers the same', () => {
  test('because its answer was lost', async () => {
    const run = await scene.run({ lib: {}, app: { needs: ['lib'] } })
    const first = await run.take(1, 0)
    expect(await run.take(1, 0)).toEqual(first)
    expect(run.batches()).toEqual([{ slot: 1, number: 1 }])
  })

  test('because it died after it had claimed, and before it had written the batch', async () => {
    const run = await scene.run({ lib: {} })
    let isDead = false
    scene.buckets.before = (request) => {
      if (!request.startsWith(`Put ${stateKeys.batches(run.name)}`) || isDead) return
      isDead = true
      throw new Error('killed')
    }
    await expect(run.take(1, 0)).rejects.toThrow('killed')
    expect(await run.taken(1, 0)).toBe('lib')
  })

  test('because it was asked twice at the same moment', async () => {
    const run = await scene.run({ lib: {}, app: { needs: ['lib'] }, tool: { seconds: 500 } })
    const answers = await Promise.all([run.take(1, 0), run.take(1, 0), run.take(1, 0)])
    expect(answers[0]).toMatchObject({ verdict: 'build', given: { batch: FIRST } })
    expect(answers).toEqual([answers[0], answers[0], answers[0]])
    expect(run.batches()).toEqual([{ slot: 1, number: 1 }])
  })
})

describe('a machine is used again', () => {
  test.each([
    ['when it has just answered', 0, false],
    ['while it still waits for a job', 89, false],
    ['not: when it may be about to go', 91, true],
    ['not: when it has gone long ago', 3600, true],
  ])('%s', async (_, secondsAgo, isFresh) => {
    const run = await scene.run({ lib: {} })
    expect(await run.take(1, 0, run.machine(NOW - secondsAgo * 1000))).toMatchObject({
      verdict: 'build',
      isFresh,
    })
  })

  test('not: when there is none', async () => {
    const run = await scene.run({ lib: {} })
    expect(await run.take(1, 0)).toMatchObject({ verdict: 'build', isFresh: true })
  })
})

describe('what failed in passing', () => {
  const machines = { [X86]: { lanes: 1, slots: 1 } }
  const failed = async (sketches: Parameters<Scene['run']>[0]): Promise<SceneRun> => {
    const run = await scene.run(sketches, machines)
    expect(await run.taken(1, 0)).toBe('lib')
    run.publish(FIRST, 'input-missing')
    return run
  }

  test('is tried again after a minute, and on another machine', async () => {
    const run = await failed({ lib: {} })
    expect(await run.taken(1, 1, run.machine(scene.now))).toBe('parked')
    scene.now += 61_000
    expect(await run.take(1, 1, run.machine(scene.now))).toMatchObject({ given: {}, isFresh: true })
    // asked once more, it is the same
    expect(await run.take(1, 1, run.machine(scene.now))).toMatchObject({ given: {}, isFresh: true })
  })

  test('holds nothing else back, and the machine is used for that', async () => {
    const run = await failed({ lib: { seconds: 9000 }, other: { seconds: 8000 } })
    expect(await run.take(1, 1, run.machine(scene.now))).toMatchObject({ given: {}, isFresh: false })
    expect(run.jobOf(`1-${X86}-1-2`).derivations).toMatchObject([{ drvPath: drv('other') }])
  })

  test('waits twice as long every time', () => {
    const outcome = (number: number, became: DerivationOutcome['outcome']) => ({
      job: jobOf('run', `1-${X86}-1-${number}`, [batchDerivation('lib')]),
      outcome: {
        ...outcomeOf('run', `1-${X86}-1-${number}`, [told(drv('lib'), became)]),
        said: new Date(NOW).toISOString(),
      },
    })
    const untilOf = (...all: DerivationOutcome['outcome'][]): number | undefined =>
      passingFailures(all.map((became, index) => outcome(index + 1, became))).get(drv('lib'))?.until
    expect(untilOf('input-missing')).toBe(NOW + 60_000)
    expect(untilOf('input-missing', 'input-missing')).toBe(NOW + 120_000)
    expect(untilOf('input-missing', 'lost')).toBeUndefined()
    expect(untilOf('lost')).toBeUndefined()
    expect(untilOf('input-missing', 'published')).toBeUndefined()
    expect(untilOf('failed')).toBeUndefined()
  })
})

describe('a lane that is over sends its machine home', () => {
  const job = (turn: number) => `state/${stateKeys.machineJob('AROABUILDER:AWSCodeBuild-1', turn)}`

  test('with the job after its last', async () => {
    const run = await scene.run({ lib: { system: 'aarch64-linux' } })
    expect(await run.taken(1, 3, run.machine(NOW, 3))).toBe('over')
    expect(scene.buckets.json(job(4))).toEqual({ version: 1, end: true })
  })
  test('and takes no job from it that it has', async () => {
    const run = await scene.run({ lib: { system: 'aarch64-linux' } })
    scene.buckets.put(job(4), { version: 1, token: 't', job: 'k' })
    await run.take(1, 3, run.machine(NOW, 3))
    expect(scene.buckets.json(job(4))).toEqual({ version: 1, token: 't', job: 'k' })
  })
  test('not while it has something to do', async () => {
    const run = await scene.run({ lib: {} })
    await run.take(1, 0, run.machine(NOW, 3))
    expect(scene.buckets.keys('state').filter((key) => key.startsWith('jobs/'))).toEqual([])
  })
})

describe('what another run builds is not built here', () => {
  const two = async () =>
    [await scene.run({ ghc: { seconds: 9000 } }), await scene.run({ ghc: { seconds: 9000 } })] as const

  test('it is waited for, and the waiting lane says for which run, and for what', async () => {
    const [one, other] = await two()
    expect(await one.taken(1, 0)).toBe('ghc')
    expect(await other.taken(1, 0)).toBe('parked')
    expect(other.parked()).toMatchObject([
      { waits: [{ for: 'run', run: one.name, derivations: [drv('ghc')] }] },
    ])
  })

  test('it is found when it has come, and what needs it is built', async () => {
    const one = await scene.run({ ghc: { seconds: 9000 } })
    const other = await scene.run({ ghc: { seconds: 9000 }, app: { needs: ['ghc'] } })
    await one.take(1, 0)
    expect(await other.taken(1, 0)).toBe('parked')
    one.publish(FIRST)
    expect(await other.taken(1, 0)).toBe('app')
  })

  test.each([
    ['when it was lost there', (run: Awaited<ReturnType<typeof two>>[0]) => run.publish(FIRST, 'lost')],
    ['when that run has ended', (run: Awaited<ReturnType<typeof two>>[0]) => run.end()],
  ])('it is built here %s', async (_, become) => {
    const [one, other] = await two()
    await one.take(1, 0)
    expect(await other.taken(1, 0)).toBe('parked')
    become(one)
    expect(await other.taken(1, 0)).toBe('ghc')
  })

  test('who builds it wakes the waiting lanes when it has said something, and not before', async () => {
    const other = await scene.run({ lib: { seconds: 9000 }, tool: { seconds: 9000 } })
    await other.take(1, 0)
    await other.take(2, 0)
    const run = await scene.run({ lib: { seconds: 9000 } })
    const question = run.question(1, 0)
    await run.ask(question)
    const goOn = other.machine(scene.now, 2, { isDone: false })
    await other.take(2, 1, goOn)
    expect(run.answers.get(question.token)).toBeUndefined()
    other.publish(FIRST)
    await other.take(2, 1, goOn)
    expect(run.answers.get(question.token)).toEqual({ verdict: 'look' })
  })

  test('it is not tried again when it has failed there, nor what needs it', async () => {
    const started = new Date(NOW).toISOString()
    const other = await scene.run({ lib: {} }, undefined, { started })
    await other.take(1, 0)
    const run = await scene.run({ lib: {}, app: { needs: ['lib'] }, tool: {} }, undefined, { started })
    expect(await run.taken(1, 0)).toBe('tool')
    expect(await run.taken(2, 0)).toBe('parked')
    scene.now += 60_000
    other.publish(FIRST, 'failed')
    expect(await run.taken(2, 0)).toBe('over')
    expect(run.batches()).toEqual([{ slot: 1, number: 1 }])
  })

  test('also when it is another derivation of the same path', async () => {
    const outputs = { out: storePath('source.tar.gz') }
    const one = await scene.run({ 'fetch-one': { outputs, seconds: 500 } })
    const other = await scene.run({ 'fetch-two': { outputs, seconds: 500 }, app: { needs: ['fetch-two'] } })
    await one.take(1, 0)
    expect(await other.taken(1, 0)).toBe('parked')
    one.publish(FIRST)
    expect(await other.taken(1, 0)).toBe('app')
  })

  test('the rest is', async () => {
    const one = await scene.run({ ghc: { seconds: 9000 } })
    const other = await scene.run({ ghc: { seconds: 9000 }, app: { needs: ['ghc'] }, tool: {} })
    await one.take(1, 0)
    expect(await other.taken(1, 0)).toBe('tool')
  })
})

describe('a lane that goes on leaves nothing open', () => {
  test('what Publish has said nothing of is lost, for everybody', async () => {
    const run = await scene.run({ lib: {} })
    const other = await scene.run({ lib: {} })
    await run.take(1, 0)
    expect(await other.taken(1, 0)).toBe('parked')
    // its builder died, and so did Publish
    for (const taken of [1, 2, 3]) expect(await run.taken(1, taken)).toBe('lib')
    expect(await run.taken(1, 4)).toBe('over')
    expect(run.outcomes()).toHaveLength(4)
    expect(await other.taken(1, 0)).toBe('lib')
  })

  test('what Publish did say stands', async () => {
    const run = await scene.run(
      { lib: { seconds: 1 }, app: { seconds: 1 } },
      { [X86]: { lanes: 1, slots: 2 } },
    )
    expect(await run.taken(1, 0)).toBe('lib, app')
    run.publish(FIRST, 'published', ['lib'])
    expect(await run.taken(1, 1)).toBe('app')
    expect(scene.buckets.json(`state/${stateKeys.outcome(run.name, FIRST)}`)).toMatchObject({
      derivations: [
        { drvPath: drv('lib'), outcome: 'published' },
        { drvPath: drv('app'), outcome: 'lost' },
      ],
    })
  })

  test('lanes of other systems do not wait for it', async () => {
    const machines = { [X86]: { lanes: 1, slots: 1 }, 'aarch64-linux': { lanes: 1, slots: 1 } }
    const run = await scene.run({ lib: {}, firmware: { needs: ['lib'], system: 'aarch64-linux' } }, machines)
    const arm = { lane: { system: 'aarch64-linux', slot: 1 } }
    await run.take(1, 0)
    expect(await run.taken(1, 0, arm)).toBe('parked')
    for (const taken of [1, 2, 3]) await run.take(1, taken)
    expect(await run.taken(1, 4)).toBe('over')
    expect(await run.taken(1, 0, arm)).toBe('over')
  })
})

test('what was published, and is scheduled again, is built again: no cache has it', async () => {
  const run = await scene.run({ lib: {} })
  await run.take(1, 0)
  run.publish(FIRST)
  await run.plan({ lib: {} }, { [X86]: { lanes: 1, slots: 1 } }, { wave: 2 })
  expect(await run.taken(1, 0, { wave: 2 })).toBe('lib')
  run.publish(`2-${X86}-1-1`)
  await run.plan({ lib: {} }, { [X86]: { lanes: 1, slots: 1 } }, { wave: 3 })
  // tried twice: Plan says that it has failed
  expect(await run.taken(1, 0, { wave: 3 })).toBe('over')
})

test('what was found, and is scheduled again, is built: it is found once', async () => {
  const one = await scene.run({ lib: {} })
  await one.take(1, 0)
  one.publish(FIRST)
  const run = await scene.run({ lib: {} })
  expect(await run.taken(1, 0)).toBe('over')
  await run.plan({ lib: {} }, { [X86]: { lanes: 1, slots: 1 } }, { wave: 2 })
  expect(await run.taken(1, 0, { wave: 2 })).toBe('lib')
})

describe('a machine that builds on', () => {
  const SECOND = `1-${X86}-1-2`
  const sketches = {
    long: { seconds: 600 },
    lib: { seconds: 30 },
    app: { needs: ['lib', 'far'], seconds: 30 },
    far: { seconds: 30, system: 'aarch64-linux' },
    next: { needs: ['long'], seconds: 30 },
  }
  const machines = { [X86]: { lanes: 1, slots: 2 }, 'aarch64-linux': { lanes: 1, slots: 1 } }
  /** It has begun with both of the first batch, and says that one is staged. */
  const atWork = (run: SceneRun, building: string[] = ['long']) =>
    run.machine(scene.now, 2, {
      isDone: false,
      building: building.map((name) => ({ drvPath: drv(name), seconds: 30 })),
    })
  const begun = async (): Promise<SceneRun> => {
    const run = await scene.run(sketches, machines)
    expect(await run.taken(1, 0)).toBe('long, lib')
    run.publish(FIRST, 'published', ['lib'])
    return run
  }

  test('goes on with what it has while nothing else is ready, and its lane is not parked', async () => {
    const run = await begun()
    expect(await run.take(1, 1, atWork(run))).toEqual({
      verdict: 'build',
      system: X86,
      kind: 'codebuild',
      hand: [FIRST],
      isFresh: false,
    })
    expect(run.parked()).toEqual([])
  })

  test('gets what has become ready beside what it has', async () => {
    const run = await begun()
    run.found('far')
    expect(await run.take(1, 1, atWork(run))).toMatchObject({ hand: [FIRST, SECOND], isFresh: false })
    expect(run.jobOf(SECOND).derivations).toMatchObject([{ drvPath: drv('app'), needs: [] }])
  })

  test('gets what needs something that it is building, when it will soon have built that', async () => {
    const run = await begun()
    const building = [{ drvPath: drv('long'), seconds: 598 }]
    await run.take(1, 1, run.machine(scene.now, 2, { isDone: false, building }))
    expect(run.jobOf(SECOND).derivations).toMatchObject([{ drvPath: drv('next'), needs: [drv('long')] }])
  })

  test('is asked for nothing new that it could not begin soon', async () => {
    const run = await begun()
    expect(await run.taken(1, 1, atWork(run))).toBe(`goes on with ${FIRST}`)
  })

  test('is over with a batch when everything was said of it', async () => {
    const run = await begun()
    run.publish(FIRST)
    expect(await run.take(1, 1, atWork(run, []))).toMatchObject({ hand: [SECOND] })
  })

  test.each([
    ['is lost', () => ({})],
    ['has nothing in hand any more', (run: SceneRun) => run.machine(scene.now)],
  ])('leaves nothing open when it %s: what was not said is lost, what was said stands', async (_, then) => {
    const run = await begun()
    expect(await run.taken(1, 1, then(run))).toBe('long')
    expect(scene.buckets.json(`state/${run.outcomes()[0]}`)).toMatchObject({
      derivations: [
        { drvPath: drv('lib'), outcome: 'published' },
        { drvPath: drv('long'), outcome: 'lost' },
      ],
    })
  })

  test('loses nothing that Take had written down when nobody heard it', async () => {
    const run = await begun()
    run.found('far')
    const machine = atWork(run)
    const first = await run.take(1, 1, machine)
    expect(await run.take(1, 1, machine)).toEqual(first)
    expect(await run.take(1, 1, run.machine(scene.now))).toMatchObject({
      hand: [SECOND],
      given: { batch: SECOND },
    })
  })

  test('knows what others wait for', async () => {
    const run = await begun()
    expect(run.jobOf(FIRST).derivations.map(({ isAwaited }) => isAwaited)).toEqual([true, true])
    run.found('far')
    await run.take(1, 1, atWork(run))
    expect(run.jobOf(SECOND).derivations.map(({ isAwaited }) => isAwaited)).toEqual([false])
  })
})

describe('a run that a newer commit has made pointless', () => {
  const started = new Date(NOW).toISOString()
  const newest = (run: string, commit: string, at: number) =>
    scene.buckets.put(`state/${stateKeys.newestRun('acme/shells', 'refs/heads/main')}`, {
      version: 1,
      run,
      commit,
      started: new Date(at).toISOString(),
    })

  test('gets nothing more to build, and its lanes that wait are woken', async () => {
    const run = await scene.run({ lib: { seconds: 9000 }, app: { needs: ['lib'] } }, undefined, { started })
    await run.take(1, 0)
    expect(await run.taken(2, 0)).toBe('parked')
    run.publish(FIRST)
    newest('newer', '2'.repeat(40), NOW + 1)
    expect(await run.taken(1, 1)).toBe('over')
    expect([...run.answers.values()]).toContainEqual({ verdict: 'look' })
    expect(await run.taken(2, 0)).toBe('over')
  })

  test.each([
    ['by the same commit, pushed again', '1'.repeat(40), NOW + 1],
    ['by a run that was started before, of a commit that is newer', '2'.repeat(40), NOW - 1],
  ])('not: %s', async (_, commit, at) => {
    const run = await scene.run({ lib: {} }, undefined, { started })
    newest('other', commit, at)
    expect(await run.taken(1, 0)).toBe('lib')
  })

  test('lets machines finish what they have in hand', async () => {
    const run = await scene.run(
      { lib: {}, app: { seconds: 9000 } },
      { [X86]: { lanes: 1, slots: 1 } },
      { started },
    )
    expect(await run.taken(1, 0)).toBe('app')
    newest('newer', '2'.repeat(40), NOW + 1)
    const atWork = run.machine(scene.now, 2, { isDone: false })
    expect(await run.taken(1, 1, atWork)).toBe(`goes on with ${FIRST}`)
    run.publish(FIRST)
    expect(await run.taken(1, 1, run.machine(scene.now))).toBe('over')
  })

  test('still gets the batch that it has taken', async () => {
    const run = await scene.run({ lib: {} }, undefined, { started })
    const first = await run.take(1, 0)
    newest('newer', '2'.repeat(40), NOW + 1)
    expect(await run.take(1, 0)).toEqual(first)
  })
})

describe('a system whose machines nobody starts', () => {
  const HOURS = 3_600_000
  const machines = { [MAC]: { lanes: 2, slots: 1, waitHours: 24 }, [X86]: { lanes: 1, slots: 1 } }
  const lane = (slot: number) => ({ lane: { system: MAC, slot } })
  const sign = (secondsAgo = 0) =>
    scene.buckets.put(
      `state/${stateKeys.workerSign(MAC, 'AROAWORKER:mini')}`,
      { version: 1 },
      new Date(scene.now - secondsAgo * 1000),
    )

  test.each([
    ['a minute ago', 60, 'app'],
    ['nearly three minutes ago', 179, 'app'],
    ['more than three minutes ago', 181, 'parked'],
  ])('gives its batch to a worker that was there %s', async (_, secondsAgo, expected) => {
    const run = await scene.run({ app: { system: MAC } }, machines)
    sign(secondsAgo)
    expect(await run.taken(1, 0, lane(1))).toBe(expected)
  })

  test('has its work handed out by an activity', async () => {
    const run = await scene.run({ app: { system: MAC } }, machines)
    sign()
    expect(await run.take(1, 0, lane(1))).toMatchObject({ verdict: 'build', kind: 'activity' })
  })

  test('is a system like any other where a fleet has its machines: nobody waits for one', async () => {
    const run = await scene.run({ app: { system: MAC } }, { [MAC]: { lanes: 1, slots: 1 } })
    const first = { system: MAC, kind: 'codebuild', isFresh: true, hand: [`1-${MAC}-1-1`] }
    expect(await run.take(1, 0, lane(1))).toMatchObject(first)
    expect(run.parked()).toEqual([])
  })

  test('is waited for while no worker is there, and the lane says so; nothing is claimed meanwhile', async () => {
    const run = await scene.run({ app: { system: MAC } }, machines)
    expect(await run.taken(1, 0, lane(1))).toBe('parked')
    expect(run.parked()).toMatchObject([{ waits: [{ for: 'machine', system: MAC }] }])
    expect(scene.buckets.keys('state').filter((key) => key.startsWith('claims/'))).toEqual([])
    sign()
    expect(await run.taken(1, 0, lane(1))).toBe('app')
  })

  test('is given up when the run has waited as long as it may, with all its lanes', async () => {
    const run = await scene.run({ app: { system: MAC }, b: { system: MAC } }, machines)
    for (const slot of [1, 2]) expect(await run.taken(slot, 0, lane(slot))).toBe('parked')
    scene.now += 24 * HOURS - 1000
    expect(await run.taken(1, 0, lane(1))).toBe('parked')
    scene.now += 1000
    expect(await run.taken(1, 0, lane(1))).toBe('over')
    expect(scene.buckets.json(`state/${stateKeys.givenUp(run.name, MAC)}`)).toEqual({
      version: 1,
      system: MAC,
      waitHours: 24,
    })
    // the other one need not find out by itself
    expect(run.parked()).toEqual([])
    expect(await run.taken(2, 0, lane(2))).toBe('over')
  })

  test('is waited for anew when the last worker has gone', async () => {
    const run = await scene.run({ app: { system: MAC } }, machines)
    scene.now += 30 * HOURS
    sign(600)
    expect(await run.taken(1, 0, lane(1))).toBe('parked')
    scene.now += 24 * HOURS
    expect(await run.taken(1, 0, lane(1))).toBe('over')
  })

  test('takes with it what needs it on other systems, and nothing else', async () => {
    const run = await scene.run(
      { mac: { system: MAC }, image: { needs: ['mac'] }, tool: { seconds: 9000 } },
      machines,
    )
    expect(await run.taken(1, 0)).toBe('tool')
    scene.now += 24 * HOURS
    expect(await run.taken(1, 0, lane(1))).toBe('over')
    run.publish(FIRST)
    expect(await run.taken(1, 1)).toBe('over')
  })
})
