import { StopExecutionCommand } from '@aws-sdk/client-sfn'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BuildAnswer } from '../../../../functions/shared/contract.ts'
import { type RollingMachine, startCodeBuildMachine } from './kinds.ts'
import { endedWithTest, processesThat, said } from './running-builders.ts'
import { ContractWorld, type Handed } from './world.ts'

/* What the pipeline may expect of a machine that is given more while it builds, and answers while it builds on. */
let world: ContractWorld

beforeAll(async () => {
  world = await ContractWorld.start()
})

afterAll(async () => {
  await world.close()
})

/** @param slots builds at once */
async function startMachine(slots: number): Promise<RollingMachine> {
  const only = `taskset -cp 0-${slots - 1} $$ >/dev/null`
  return endedWithTest(await startCodeBuildMachine(world, await world.newMachine(only), '2'))
}

async function answerOf({ ended }: Pick<Handed, 'ended'>, machine: RollingMachine): Promise<BuildAnswer> {
  const { status, output } = await ended()
  expect(status, machine.lines().join('\n')).toBe('SUCCEEDED')
  return output as BuildAnswer
}

/** Goes on until the machine is done: it may have asked for more before. */
async function untilDone(turn: Pick<Handed, 'ended'>, machine: RollingMachine): Promise<void> {
  const { isDone } = await answerOf(turn, machine)
  if (!isDone) await untilDone(await machine.goOn(), machine)
}

const ENDLESS = /while true; do :; done/
const linesOf = (machine: RollingMachine, word: string): string[] =>
  machine
    .lines()
    .flatMap((line) => new RegExp(`^${word} \\d+/\\d+ (\\S+)`).exec(line)?.[1]?.replace(/,$/, '') ?? [])

test('what others wait for longest is built first', async () => {
  const machine = await startMachine(1)
  const paths = { 'tool-1.0': 1, 'libbase-1.0': 9, 'libleft-1.0': 2, 'libright-1.0': 8, 'multi-2.0': 5 }
  const batch = await machine.give(Object.keys(paths), { paths })
  await untilDone(batch, machine)
  const inOrder = ['libbase-1.0', 'libright-1.0', 'multi-2.0', 'libleft-1.0', 'tool-1.0']
  expect(linesOf(machine, 'building')).toEqual(inOrder)
})

describe('a machine that has something in hand', () => {
  test('answers while it builds on, and is given more that needs what it has', async () => {
    const machine = await startMachine(2)
    const first = await machine.give(['libbase-1.0', 'endless-1.0'], { awaited: ['libbase-1.0'] })
    const endless = { drvPath: world.sample.drvPathOf('endless-1.0'), seconds: expect.any(Number) as number }
    const goesOn = { machine: machine.id, isDone: false, building: [endless] }
    expect(await answerOf(first, machine)).toEqual(goesOn)
    expect(await world.results(machine.id, first)).toEqual(['libbase-1.0'])

    // Nobody has published libbase: it comes from the machine's own store.
    const more = ['libleft-1.0', 'libright-1.0', 'app-1.0']
    const second = await machine.give(more, { earlier: ['libbase-1.0'] })
    expect(await answerOf(second, machine)).toMatchObject({ isDone: false })
    await said(machine, /^uploaded app-1\.0/)
    expect(await answerOf(await machine.goOn(), machine)).toEqual(goesOn)
    expect(await world.results(machine.id, second)).toEqual(['app-1.0', 'libleft-1.0', 'libright-1.0'])
    expect(linesOf(machine, 'building').filter((name) => name === 'endless-1.0')).toHaveLength(1)
    expect(machine.lines().filter((line) => line.startsWith('fetching '))).toEqual([])
    expect(world.denied()).toEqual([])
  })

  test('goes on without anything new, and says when it is done', async () => {
    const machine = await startMachine(2)
    const batch = await machine.give(['libbase-1.0', 'slow-1.0'])
    expect(await answerOf(batch, machine)).toMatchObject({ isDone: false })
    await untilDone(await machine.goOn(), machine)
    expect(await world.results(machine.id, batch)).toEqual(['libbase-1.0', 'slow-1.0'])
  })

  test('waits for what it is still building, when that is needed by what it is given', async () => {
    const machine = await startMachine(2)
    const first = await machine.give(['libbase-1.0', 'slow-1.0'])
    expect(await answerOf(first, machine)).toMatchObject({ isDone: false })
    const second = await machine.give(['after-slow-1.0', 'tool-1.0'], { earlier: ['slow-1.0'] })
    await second.ended()
    await said(machine, /^uploaded after-slow-1\.0/)
    expect(await world.resultOf(machine.id, second, 'after-slow-1.0')).toMatchObject({ status: 'built' })
    const built = linesOf(machine, 'built').filter((name) => name.includes('slow'))
    expect(built).toEqual(['slow-1.0', 'after-slow-1.0'])
  })

  test('does not build what needs something that failed in an earlier batch', async () => {
    const machine = await startMachine(2)
    const first = await machine.give(['libbase-1.0', 'broken-1.0', 'endless-1.0'])
    expect(await answerOf(first, machine)).toMatchObject({ isDone: false })
    const second = await machine.give(['needs-broken-1.0', 'tool-1.0'], { earlier: ['broken-1.0'] })
    expect(await answerOf(second, machine)).toMatchObject({ isDone: false })
    await said(machine, /^uploaded tool-1\.0/)
    expect(await world.resultOf(machine.id, second, 'needs-broken-1.0')).toMatchObject({
      status: 'dependency-failed',
      because: [world.sample.drvPathOf('broken-1.0')],
    })
    expect(await world.resultOf(machine.id, second, 'tool-1.0')).toMatchObject({ status: 'built' })
  })

  test('deletes nothing of it for what it is given, even when something else was published', async () => {
    const other = await startMachine(2)
    const stands = await other.give(['random-1.0'])
    await untilDone(stands, other)
    await world.publish(other.id, stands)
    await other.kill()

    const machine = await startMachine(2)
    const first = await machine.give(['random-1.0', 'uses-random-1.0', 'endless-1.0'])
    expect(await answerOf(first, machine)).toMatchObject({ isDone: false })
    const second = await machine.give(['uses-random-1.0'])
    expect(await answerOf(second, machine)).toMatchObject({ isDone: false })
    await said(machine, /^1 derivations: 1 input-missing/)
    // it would have to replace what it has in hand: another machine can build it
    expect(await world.resultOf(machine.id, second, 'uses-random-1.0')).toMatchObject({
      status: 'input-missing',
      missing: expect.arrayContaining([world.sample.outputOf('uses-random-1.0')]) as string[],
    })
  })

  test('drops all of it when nobody waits any more, and begins anew', async () => {
    const machine = await startMachine(2)
    const first = await machine.give(['libbase-1.0', 'endless-1.0'])
    expect(await answerOf(first, machine)).toMatchObject({ isDone: false })
    const turn = await machine.goOn()
    expect(processesThat(ENDLESS)).not.toEqual([])
    await world.sfn.send(new StopExecutionCommand({ executionArn: turn.executionArn }))
    await said(machine, /^NobodyWaits: /)
    const next = await machine.give(['libbase-1.0', 'libleft-1.0'])
    await untilDone(next, machine)
    expect(await world.results(machine.id, next)).toEqual(['libbase-1.0', 'libleft-1.0'])
    expect(processesThat(ENDLESS)).toEqual([])
  })

  test('loses no result when one of its batches breaks it', async () => {
    const machine = await startMachine(2)
    const first = await machine.give(['libbase-1.0', 'endless-1.0'])
    expect(await answerOf(first, machine)).toMatchObject({ isDone: false })
    const second = await machine.give(['tool-1.0'])
    expect(await answerOf(second, machine)).toMatchObject({ isDone: false })
    const derivations = world.sample.job(['multi-2.0']).derivations.map((derivation) => ({
      ...derivation,
      outputs: { out: world.sample.outputOf('libleft-1.0') },
    }))
    const refused = await machine.give([], { changes: { derivations } })
    expect(await refused.ended(), machine.lines().join('\n')).toMatchObject({
      status: 'FAILED',
      error: 'ArchiveRefused',
    })
    expect(processesThat(ENDLESS)).toEqual([])
    expect(await world.results(machine.id, first)).toEqual(['libbase-1.0'])
    expect(await world.results(machine.id, second)).toEqual(['tool-1.0'])
    const next = await machine.give(['libright-1.0', 'libbase-1.0'])
    await untilDone(next, machine)
  })

  test('that is stopped while it owes no answer stages what is built, and tells the next turn', async () => {
    const machine = await startMachine(2)
    const first = await machine.give(['libbase-1.0', 'endless-1.0'])
    expect(await answerOf(first, machine)).toMatchObject({ isDone: false })
    machine.terminate()
    const turn = await machine.goOn()
    expect(await turn.ended(), machine.lines().join('\n')).toMatchObject({
      status: 'FAILED',
      error: 'BuilderStopped',
    })
    await machine.ended()
    expect(await world.results(machine.id, first)).toEqual(['libbase-1.0'])
    expect(processesThat(ENDLESS)).toEqual([])
  })
})
