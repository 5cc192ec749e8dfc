import { StopExecutionCommand } from '@aws-sdk/client-sfn'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { WorkerSign } from '../../../../functions/shared/contract.ts'
import { cacheKeys, stateKeys } from '../../../../functions/shared/keys.ts'
import { parseNarInfo } from '../../../../nix/narinfo.ts'
import { hashPartOf } from '../../../../nix/store-path.ts'
import { codeBuildMachine, type BuilderKind, worker } from './kinds.ts'
import { endedWithTest, processesThat, said } from './running-builders.ts'
import { ContractWorld } from './world.ts'

/*
 * What the pipeline may expect of whatever builds: the same for every kind of builder. AWS is on this machine, from the packaged template, with its roles; Nix, the
 * sandbox, the processes and the signals are real.
 */
let world: ContractWorld

beforeAll(async () => {
  world = await ContractWorld.start()
})

afterAll(async () => {
  await world.close()
})

const startBuilder = async (kind: BuilderKind, before?: string) =>
  endedWithTest(await kind.start(world, await world.newMachine(before)))

const KINDS: BuilderKind[] = [codeBuildMachine, worker(['--hand-back'])]

describe.each(KINDS)('$name', (kind) => {
  test('builds what it is given, batch after batch, and keeps its store', async () => {
    const builder = await startBuilder(kind)
    const first = await builder.hand(['libbase-1.0', 'libleft-1.0', 'libright-1.0', 'tool-1.0'])
    const answer = { status: 'SUCCEEDED', output: { machine: builder.id } }
    expect(await first.ended(), builder.lines().join('\n')).toMatchObject(answer)
    expect(await world.results(builder.id, first)).toEqual([
      'libbase-1.0',
      'libleft-1.0',
      'libright-1.0',
      'tool-1.0',
    ])
    await world.publish(builder.id, first)

    const before = world.network.requests.length
    const second = await builder.hand(['app-1.0', 'default-shell'])
    expect(await second.ended(), builder.lines().join('\n')).toMatchObject(answer)
    expect(await world.results(builder.id, second)).toEqual(['app-1.0', 'default-shell'])
    expect(builder.lines().filter((line) => line.startsWith('fetching '))).toEqual([])
    const asked = world.network.requests.slice(before)
    expect(
      asked.filter((request) => /archive\.zst|\/nar\//.test(request) && request.startsWith('GET')),
    ).toEqual([])
    expect(world.denied()).toEqual([])
  })

  test('says which derivations failed, with the end of their logs, and builds the others', async () => {
    const builder = await startBuilder(kind)
    const batch = await builder.hand(['libbase-1.0', 'broken-1.0', 'needs-broken-1.0', 'libleft-1.0'])
    expect(await batch.ended()).toMatchObject({ status: 'SUCCEEDED' })
    expect(await world.resultOf(builder.id, batch, 'broken-1.0')).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('exit code 3') as string,
      logTail: [`about to fail ${world.sample.outputOf('libbase-1.0')}`],
    })
    expect(await world.resultOf(builder.id, batch, 'needs-broken-1.0')).toMatchObject({
      status: 'dependency-failed',
      because: [world.sample.drvPathOf('broken-1.0')],
    })
    expect(await world.resultOf(builder.id, batch, 'libleft-1.0')).toMatchObject({ status: 'built' })
  })

  test('downloads nothing that it does not need', async () => {
    const publisher = await startBuilder(kind)
    const published = await publisher.hand([
      'libbase-1.0',
      'libleft-1.0',
      'libright-1.0',
      'multi-2.0',
      'tool-1.0',
    ])
    expect(await published.ended()).toMatchObject({ status: 'SUCCEEDED' })
    await world.publish(publisher.id, published)
    await publisher.kill()

    const builder = await startBuilder(kind)
    const batch = await builder.hand(['app-1.0'])
    expect(await batch.ended(), builder.lines().join('\n')).toMatchObject({ status: 'SUCCEEDED' })
    const fetched = builder.lines().flatMap((line) => /^fetching (\S+)/.exec(line)?.[1] ?? [])
    // what it is built from, and what those refer to
    expect(fetched.sort()).toEqual(['libbase-1.0', 'libleft-1.0', 'libright-1.0'])

    // Nobody has published it: it is given again, and need not be built again, nor what it was built from be asked for.
    const before = world.network.requests.length
    const again = await builder.hand(['app-1.0'])
    expect(await again.ended(), builder.lines().join('\n')).toMatchObject({ status: 'SUCCEEDED' })
    const first = await world.resultOf(builder.id, batch, 'app-1.0')
    const { inputs } = first.status === 'built' ? first : { inputs: {} }
    expect(await world.resultOf(builder.id, again, 'app-1.0')).toMatchObject({
      status: 'built',
      seconds: 0,
      inputs,
    })
    const cache = new RegExp(`^GET /${world.stack.physicalId('CacheBucket')}/`)
    expect(world.network.requests.slice(before).filter((request) => cache.test(request))).toEqual([])
  })

  test('does not build upon what it built itself when something else was published', async () => {
    const other = await startBuilder(kind)
    const stands = await other.hand(['random-1.0'])
    expect(await stands.ended()).toMatchObject({ status: 'SUCCEEDED' })
    await world.publish(other.id, stands)
    await other.kill()

    const builder = await startBuilder(kind)
    const discarded = await builder.hand(['random-1.0'])
    expect(await discarded.ended()).toMatchObject({ status: 'SUCCEEDED' })
    const batch = await builder.hand(['uses-random-1.0'])
    expect(await batch.ended(), builder.lines().join('\n')).toMatchObject({ status: 'SUCCEEDED' })
    const path = world.sample.outputOf('random-1.0')
    expect(builder.lines()).toContain(`${path} is here with other content than was published`)
    const published = await world.get('CacheBucket', cacheKeys.narinfo(hashPartOf(path)))
    const { narHash } = parseNarInfo(published.toString())
    expect(await world.resultOf(builder.id, batch, 'uses-random-1.0')).toHaveProperty(
      ['inputs', path],
      narHash,
    )
  })

  test('killed in the middle of a batch: it is missed, and what it had uploaded counts', async () => {
    const builder = await startBuilder(kind)
    const batch = await builder.hand(['libbase-1.0', 'endless-1.0'], 5)
    await said(builder, /^uploaded libbase-1\.0/)
    await builder.kill()
    expect(await batch.ended()).toMatchObject({
      status: 'FAILED',
      error: expect.stringMatching(/^States\.(Heartbeat)?Timeout$/) as string,
    })
    expect(await world.results(builder.id, batch)).toEqual(['libbase-1.0'])
  })

  test('stopped in the middle of a batch: uploads what is built, and hands back the rest', async () => {
    const builder = await startBuilder(kind)
    const batch = await builder.hand(['libbase-1.0', 'endless-1.0'])
    await said(builder, /^built \d\/2 libbase-1\.0/)
    await said(builder, /^building \d\/2 endless-1\.0/)
    builder.terminate()
    expect(await batch.ended()).toMatchObject({ status: 'FAILED', error: 'BuilderStopped' })
    await builder.ended()
    expect(await world.results(builder.id, batch)).toEqual(['libbase-1.0'])
    expect(processesThat(/while true; do :; done/)).toEqual([])
  })

  test('a disk without room: says so, what fitted counts, and takes no more', async () => {
    const builder = await startBuilder(kind, 'export TMPDIR=/mnt; mount -t tmpfs -o size=16m tmpfs /mnt')
    const batch = await builder.hand(['libbase-1.0', 'big-1.0'])
    expect(await batch.ended(), builder.lines().join('\n')).toMatchObject({
      status: 'FAILED',
      error: 'DiskFull',
    })
    expect(await world.results(builder.id, batch)).toEqual(['libbase-1.0'])
    expect(await builder.ended()).toBe(false)
  })

  test('a network that is gone for a while: uploads and heartbeats are repeated', async () => {
    const builder = await startBuilder(kind)
    const batch = await builder.hand(['libbase-1.0', 'slow-1.0'], 120)
    await said(builder, /^building \d\/2 slow-1\.0/)
    await world.network.cut()
    await said(builder, /^built \d\/2 slow-1\.0/)
    // longer than the SDK by itself would try
    await new Promise((resolve) => setTimeout(resolve, 5000))
    await world.network.restore()
    expect(await batch.ended(), builder.lines().join('\n')).toMatchObject({ status: 'SUCCEEDED' })
    expect(await world.results(builder.id, batch)).toEqual(['libbase-1.0', 'slow-1.0'])
  })

  test('a batch that nobody waits for any more is broken off, and the next one is built', async () => {
    const builder = await startBuilder(kind)
    const abandoned = await builder.hand(['libbase-1.0', 'endless-1.0'])
    await said(builder, /^building \d\/2 endless-1\.0/)
    await world.sfn.send(new StopExecutionCommand({ executionArn: abandoned.executionArn }))
    await said(builder, /^NobodyWaits: /)
    const next = await builder.hand(['libbase-1.0', 'libleft-1.0'])
    expect(await next.ended(), builder.lines().join('\n')).toMatchObject({ status: 'SUCCEEDED' })
    expect(await world.results(builder.id, next)).toEqual(['libbase-1.0', 'libleft-1.0'])
    expect(processesThat(/while true; do :; done/)).toEqual([])
  })
})

describe('a machine of CodeBuild', () => {
  test('ends by itself when no job comes', async () => {
    const builder = await startBuilder(codeBuildMachine)
    expect(await builder.ended(), builder.lines().join('\n')).toBe(true)
    expect(builder.lines()).toContain('no job came for 20 s: this machine is done')
  })

  test('ends when it is told that there is no more', async () => {
    const builder = await startBuilder(codeBuildMachine)
    await world.giveTurn(builder.id, 1, { end: true })
    expect(await builder.ended()).toBe(true)
    expect(builder.lines()).toContain('there is no more to build here')
  })

  test('does not begin a batch whose task is over already', async () => {
    const builder = await startBuilder(codeBuildMachine)
    const { job, jobKey } = await world.writeJob(['endless-1.0'])
    const { token, executionArn } = await world.takeToken(60, job)
    await world.sfn.send(new StopExecutionCommand({ executionArn }))
    await world.giveTurn(builder.id, 1, { token, job: jobKey })
    await world.giveTurn(builder.id, 2, { end: true })
    expect(await builder.ended()).toBe(true)
    expect(builder.lines()).toContain('NobodyWaits: the task of this batch is over (TaskTimedOut)')
    expect(builder.lines().filter((line) => line.startsWith('building '))).toEqual([])
  })
})

describe('a worker', () => {
  test('shows that it lives, and finishes what it has when it is asked to end', async () => {
    const builder = await startBuilder(worker([]))
    const batch = await builder.hand(['slow-1.0'])
    await said(builder, /^building 1\/1 slow-1\.0/)
    const sign = async () =>
      JSON.parse(
        (await world.get('StateBucket', stateKeys.workerSign('aarch64-darwin', builder.id))).toString(),
      ) as WorkerSign
    expect(await sign()).toMatchObject({
      version: 1,
      systems: ['aarch64-darwin'],
      features: expect.arrayContaining(['big-parallel']) as string[],
      jobs: 1,
    })
    builder.terminate()
    expect(await batch.ended(), builder.lines().join('\n')).toMatchObject({ status: 'SUCCEEDED' })
    expect(await builder.ended()).toBe(true)
    expect(await sign()).toMatchObject({ jobs: 0, busy: 0 })
  })

  test('that is asked twice hands back what it has', async () => {
    const builder = await startBuilder(worker([]))
    const batch = await builder.hand(['endless-1.0'])
    await said(builder, /^building 1\/1 endless-1\.0/)
    builder.terminate()
    await said(builder, /once more hands back/)
    builder.terminate()
    expect(await batch.ended()).toMatchObject({ status: 'FAILED', error: 'BuilderStopped' })
    expect(await builder.ended()).toBe(true)
  })

  test('builds several batches at once, in one store', async () => {
    const builder = await startBuilder(worker(['--jobs', '2']))
    const endless = await builder.hand(['libbase-1.0', 'endless-1.0'])
    await said(builder, /^building \d\/2 endless-1\.0/)
    const other = await builder.hand(['tool-1.0'])
    expect(await other.ended(), builder.lines().join('\n')).toMatchObject({ status: 'SUCCEEDED' })
    await world.sfn.send(new StopExecutionCommand({ executionArn: endless.executionArn }))
    await said(builder, /^NobodyWaits: /)
  })
})
