import { beforeEach, describe, expect, test } from 'vitest'
import type { TakeRequest } from '../../../../functions/take/take.ts'
import { drv } from '../graphs.ts'
import { Interleaving } from './interleaving.ts'
import { Scene, type SceneRun, type Sketch, X86 } from './scene.ts'

const LIBRARY = `1-${X86}-1-1`
const LONG = 9000

let scene: Scene
let order: Interleaving
beforeEach(() => {
  scene = new Scene()
})

/** From now on every request is stopped until the test lets it through. */
function stopRequests(): void {
  order = new Interleaving()
  scene.buckets.before = order.before
  scene.stepFunctions.before = order.before
}

function letAllThrough(): void {
  scene.buckets.before = () => undefined
  scene.stepFunctions.before = () => undefined
}

/** Lanes that were told to look do so, until nobody is told any more: what Step Functions does of itself. No time passes, so nobody looks who was not woken. */
async function lookAgain(run: SceneRun, questions: TakeRequest[]): Promise<void> {
  letAllThrough()
  const waiting = [...questions]
  for (let rounds = 0; ; rounds++) {
    const woken = waiting.findIndex(({ token }) => run.answers.get(token)?.verdict === 'look')
    if (woken < 0) return
    expect(rounds, 'lanes do not wake each other for ever').toBeLessThan(20)
    const [{ lane, taken } = { lane: { system: X86, slot: 0 }, taken: 0 }] = waiting.splice(woken, 1)
    const again = run.question(lane.slot, taken, { lane })
    waiting.push(again)
    await run.ask(again)
  }
}

/** A run whose first lane has built what the others wait for; Publish has said so, and the lane asks for its next batch. */
async function published(sketches: Record<string, Sketch>, lanes = 2): Promise<SceneRun> {
  const run = await scene.run({ lib: { seconds: LONG }, ...sketches }, { [X86]: { lanes, slots: 1 } })
  expect(await run.taken(1, 0)).toBe('lib')
  return run
}

const builds = (run: SceneRun): string[] =>
  run
    .batches()
    .flatMap(({ slot, number }) => run.jobOf(`1-${X86}-${slot}-${number}`).derivations)
    .map(({ drvPath }) => drvPath)
    .toSorted()

const needing = { needs: ['lib'], seconds: LONG }
/** Where two things were stopped, and who was still at it then. */
interface Stopped {
  isFirst: boolean
  isSecond: boolean
}

/**
 * Stops two things after each number of requests, until each has ended before it could be stopped.
 * @param strides 1 for every request
 */
async function atEveryPoint(
  strides: [first: number, second: number],
  meet: (first: number, second: number) => Promise<Stopped>,
): Promise<void> {
  for (let first = 0, isFirst = true; isFirst; first += strides[0])
    for (let second = 0, isSecond = true; isSecond; second += strides[1]) {
      ;({ isFirst, isSecond } = await meet(first, second))
      scene.buckets.objects.clear()
    }
}

describe('whatever the order, nobody sleeps through what it waits for', () => {
  /**
   * The first lane asks after its batch was published, the second because it has nothing to do. One is stopped after so many requests, the other after so many, and
   * then both go on.
   */
  async function bothAsk(
    run: SceneRun,
    [first, second]: [number, number],
    said: 'published' | 'failed',
    isSecondLast = true,
  ): Promise<Stopped> {
    const [one, two] = [run.question(1, 1), run.question(2, 0)]
    stopRequests()
    await order.begin('two', async () => run.ask(two))
    const isSecond = await order.step('two', second)
    run.publish(LIBRARY, said)
    await order.begin('one', async () => run.ask(one))
    const isFirst = await order.step('one', first)
    for (const name of isSecondLast ? ['one', 'two'] : ['two', 'one']) await order.finish(name)
    await lookAgain(run, [one, two])
    return { isFirst, isSecond }
  }

  test.each([true, false])(
    'two lanes, and work for two (the second comes last: %s)',
    { timeout: 60_000 },
    async (isSecondLast) => {
      await atEveryPoint([3, 1], async (first, second) => {
        const run = await published({ a: needing, b: needing })
        const stopped = await bothAsk(run, [first, second], 'published', isSecondLast)
        expect(builds(run), `${first} ${second}`).toEqual([drv('lib'), drv('a'), drv('b')].toSorted())
        return stopped
      })
    },
  )

  test.each([true, false])(
    'two lanes, and work for one (the second comes last: %s)',
    { timeout: 60_000 },
    async (isSecondLast) => {
      await atEveryPoint([2, 2], async (first, second) => {
        const run = await published({ a: needing })
        const stopped = await bothAsk(run, [first, second], 'published', isSecondLast)
        // exactly one has it, and the other one has gone
        expect(builds(run), `${first} ${second}`).toEqual([drv('lib'), drv('a')].toSorted())
        const over = [...run.answers.values()].filter(({ verdict }) => verdict === 'over')
        expect(over, `${first} ${second}`).toHaveLength(1)
        expect(run.parked()).toEqual([])
        return stopped
      })
    },
  )

  test('nothing is left: all of them go', { timeout: 60_000 }, async () => {
    await atEveryPoint([4, 1], async (first, second) => {
      const run = await published({ a: needing })
      const stopped = await bothAsk(run, [first, second], 'failed')
      const over = [...run.answers.values()].filter(({ verdict }) => verdict === 'over')
      expect(over, `${first} ${second}`).toHaveLength(2)
      return stopped
    })
  })
})

describe('a question that Step Functions has given up, while Take was still at it', () => {
  /** The second lane's question is given up after so many requests, and it asks again. */
  async function givenUp(run: SceneRun, stale: number, fresh: number, endings: string[]): Promise<Stopped> {
    const [one, old, two] = [run.question(1, 1), run.question(2, 0), run.question(2, 0)]
    stopRequests()
    await order.begin('old', async () => run.ask(old))
    const isFirst = await order.step('old', stale)
    scene.stepFunctions.timeOut(old.token)
    // the time of asking is part of what it leaves
    scene.now += 1
    await order.begin('two', async () => run.ask(two))
    const isSecond = await order.step('two', fresh)
    run.publish(LIBRARY)
    await order.begin('one', async () => run.ask(one))
    for (const name of endings) await order.finish(name)
    // a question that was answered in time makes the lane go on with that
    const isOldAnswered = run.answers.get(old.token) !== undefined
    await lookAgain(run, isOldAnswered ? [one, old, two] : [one, two])
    return { isFirst, isSecond }
  }

  test.each([
    [['one', 'old', 'two']],
    [['one', 'two', 'old']],
    [['old', 'one', 'two']],
    [['old', 'two', 'one']],
    [['two', 'old', 'one']],
    [['two', 'one', 'old']],
  ])('takes nothing from the one after it, nor hides it (%j)', { timeout: 60_000 }, async (endings) => {
    await atEveryPoint([1, 4], async (stale, fresh) => {
      // more than two lanes can take: nobody is woken because nothing is left
      const run = await published({ a: needing, b: needing, c: needing })
      const stopped = await givenUp(run, stale, fresh, endings)
      expect(builds(run), `${stale} ${fresh}`).toEqual([drv('lib'), drv('a'), drv('b')].toSorted())
      // and the second lane knows of its batch: it is not left parked with it
      const parked = run
        .parked()
        .filter(({ lane, token }) => lane.slot === 2 && scene.stepFunctions.isWaiting(token))
      expect(parked, `${stale} ${fresh}`).toEqual([])
      return stopped
    })
  })

  test('a token that is stale costs nobody else a wake-up', async () => {
    const run = await published({ a: needing, b: needing, c: needing }, 4)
    const [two, three, four] = [run.question(2, 0), run.question(3, 0), run.question(4, 0)]
    for (const question of [two, three, four]) expect(await run.ask(question)).toBeUndefined()
    scene.stepFunctions.timeOut(two.token)
    run.publish(LIBRARY)
    await run.take(1, 1)
    expect([three, four].map(({ token }) => run.answers.get(token)?.verdict)).toEqual(['look', 'look'])
  })
})

describe('lanes wake as many others as find something, and no more', () => {
  test.each([
    ['one, when there is work for two', 2, 1],
    ['two, when there is work for three', 3, 2],
    ['all that wait, when there is work for all', 9, 3],
  ])('%s', async (_, work, woken) => {
    const sketches = Object.fromEntries(
      Array.from({ length: work }, (_none, index) => [`a${index}`, needing]),
    )
    const run = await published(sketches, 4)
    for (const slot of [2, 3, 4]) expect(await run.taken(slot, 0)).toBe('parked')
    run.publish(LIBRARY)
    await run.take(1, 1)
    expect([...run.answers.values()].filter(({ verdict }) => verdict === 'look')).toHaveLength(woken)
  })

  test('a lane that has made work for another system only', async () => {
    const system = 'aarch64-linux'
    const machines = { [X86]: { lanes: 1, slots: 1 }, [system]: { lanes: 1, slots: 1 } }
    const sketches = { lib: {}, firmware: { needs: ['lib'], system }, app: { needs: ['firmware'] } }
    const run = await scene.run(sketches, machines)
    await run.take(1, 0)
    const arm = run.question(1, 0, { lane: { system, slot: 1 } })
    expect(await run.ask(arm)).toBeUndefined()
    run.publish(LIBRARY)
    expect(await run.taken(1, 1)).toBe('parked')
    expect(run.answers.get(arm.token)).toEqual({ verdict: 'look' })
  })

  test('lanes of two systems that wait for another run do not wake each other for ever', async () => {
    const machines = { [X86]: { lanes: 2, slots: 1 }, 'aarch64-linux': { lanes: 2, slots: 1 } }
    const sketches = Object.fromEntries(
      [X86, 'aarch64-linux'].flatMap((system) =>
        [1, 2, 3].map((number) => [`${system}-${number}`, { system, seconds: LONG }]),
      ),
    )
    const arm = (slot: number) => ({ lane: { system: 'aarch64-linux', slot } })
    const one = await scene.run(sketches, {
      [X86]: { lanes: 3, slots: 1 },
      'aarch64-linux': { lanes: 3, slots: 1 },
    })
    for (const slot of [1, 2, 3]) {
      await one.take(slot, 0)
      await one.take(slot, 0, arm(slot))
    }
    const other = await scene.run(sketches, machines)
    const questions = [1, 2].flatMap((slot) => [other.question(slot, 0), other.question(slot, 0, arm(slot))])
    for (const question of questions) await other.ask(question)
    await lookAgain(other, questions)
    expect(other.parked()).toHaveLength(4)
  })

  test('lanes that wait for a worker do not wake each other for ever', async () => {
    const system = 'aarch64-darwin'
    const run = await scene.run(
      { a: { system }, b: { system }, c: { system } },
      { [system]: { lanes: 3, slots: 1, waitHours: 24 } },
    )
    const questions = [1, 2, 3].map((slot) => run.question(slot, 0, { lane: { system, slot } }))
    for (const question of questions) await run.ask(question)
    await lookAgain(run, questions)
    expect(run.parked()).toHaveLength(3)
    // the first one that sees a worker wakes the others
    scene.buckets.put(`state/workers/${system}/AROAWORKER:mini.json`, { version: 1 })
    expect(await run.taken(1, 0, { lane: { system, slot: 1 } })).not.toBe('parked')
    expect(questions.slice(1).map(({ token }) => run.answers.get(token)?.verdict)).toEqual(['look', 'look'])
  })

  test('a Take that died before it could wake anybody is made up for', async () => {
    const run = await published({ a: needing, b: needing })
    expect(await run.taken(2, 0)).toBe('parked')
    run.publish(LIBRARY)
    scene.buckets.before = (request) => {
      if (request.startsWith(`List runs/${run.name}/parked`)) throw new Error('killed')
    }
    await expect(run.take(1, 1)).rejects.toThrow('killed')
    letAllThrough()
    await run.take(1, 1)
    expect([...run.answers.values()]).toContainEqual({ verdict: 'look' })
  })
})
