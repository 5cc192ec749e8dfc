import { beforeEach, expect, test } from 'vitest'
import { drv } from '../graphs.ts'
import { NOW, Scene, X86 } from './scene.ts'

const ARM = 'aarch64-linux'
const FIRST = '1-x86_64-linux-1-1'
let scene: Scene
beforeEach(() => {
  scene = new Scene()
})

test('a machine whose hand was published after its answer is not used again when it may be gone', async () => {
  const run = await scene.run({ lib: {} })
  const machine = run.machine(NOW - 600_000, 2, { isDone: false })
  expect(await run.take(1, 0, machine)).toMatchObject({ verdict: 'build', isFresh: true })
})

test('a machine that may be gone gets nothing more beside what it has in hand', async () => {
  const run = await scene.run({ long: { seconds: 600 }, tool: {} }, { [X86]: { lanes: 1, slots: 1 } })
  expect(await run.taken(1, 0)).toBe('long')
  const machine = {
    ...run.machine(NOW - 600_000, 2, { isDone: false, building: [{ drvPath: drv('long'), seconds: 300 }] }),
  }
  expect(await run.taken(1, 1, machine)).toBe(`goes on with ${FIRST}`)
})

test('word that a lane has left stays when a lane of another system leaves word later', async () => {
  const machines = { [X86]: { lanes: 1, slots: 1 }, [ARM]: { lanes: 1, slots: 1 } }
  const sketches = { lib: {}, arm: { system: ARM } }
  const other = await scene.run(sketches, machines)
  await other.take(1, 0)
  await other.ask({ ...other.question(1, 0), lane: { system: ARM, slot: 1 } })
  const run = await scene.run(sketches, machines)
  const question = run.question(1, 0)
  await run.ask(question)
  expect(run.answers.get(question.token)).toBeUndefined()
  other.publish(FIRST)
  await run.ask({ ...run.question(1, 0), lane: { system: ARM, slot: 1 } })
  await other.take(1, 1, other.machine(NOW, 2))
  expect(run.answers.get(question.token)).toEqual({ verdict: 'look' })
})

test('a run that loses its last attempt wakes those that wait for it', async () => {
  const other = await scene.run({ lib: {} })
  for (const number of [0, 1, 2, 3]) await other.take(1, number)
  const run = await scene.run({ lib: {} })
  const question = run.question(1, 0)
  await run.ask(question)
  expect(run.answers.get(question.token)).toBeUndefined()
  expect(await other.taken(1, 4)).toBe('over')
  expect(run.answers.get(question.token)).toEqual({ verdict: 'look' })
})
