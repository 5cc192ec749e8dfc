import { beforeEach, describe, expect, test } from 'vitest'
import type { System } from '../../../functions/shared/contract.ts'
import { stagedKeys, stagingPrefixOfBatch, stateKeys } from '../../../functions/shared/keys.ts'
import { writeSchedule } from '../../../functions/shared/schedule-file.ts'
import { formatLive } from '../../../scripts/hearth/run/format-live.ts'
import { readLive } from '../../../scripts/hearth/run/read-live.ts'
import { batchDerivation, became, jobOf, outcomeOf } from '../functions/batches.ts'
import { Buckets } from '../functions/buckets.ts'
import { drv } from '../functions/graphs.ts'

const X86 = 'x86_64-linux'
const MAC = 'aarch64-darwin'
const MACHINE = 'AROABUILDER:AWSCodeBuild-1'
const WORKER = 'AROAWORKER:mini-1'

let buckets: Buckets
let run: string
let runs = 0
beforeEach(async () => {
  buckets = new Buckets()
  run = `live-${++runs}`
  const derivation = (name: string, system: System) => ({
    ...batchDerivation(name),
    system,
    needsPublished: [],
    needs: [],
    seconds: 60,
    path: 60,
  })
  await writeSchedule(buckets.bucket('state'), {
    version: 1,
    run,
    wave: 1,
    target: { repository: 'acme/shells', ref: 'refs/heads/main', commit: 'c'.repeat(40) },
    machines: { [X86]: { lanes: 2, slots: 1 }, [MAC]: { lanes: 1, slots: 1, waitHours: 1 } },
    job: { archive: { key: '', sha256: '' }, upstreams: [], publicKeys: [], maxNarSize: 1 },
    derivations: [
      derivation('lib', X86),
      derivation('app', X86),
      derivation('tool', X86),
      derivation('mac', MAC),
    ],
  })
  taken(`1-${X86}-1-1`, 'lib', 'app')
  taken(`1-${X86}-1-2`, 'tool')
  taken(`1-${MAC}-1-1`, 'mac')
})

const taken = (batch: string, ...names: string[]) =>
  buckets.put(
    `state/${stateKeys.batch(run, batch)}`,
    jobOf(
      run,
      batch,
      names.map((name) => batchDerivation(name)),
    ),
  )
const served = (batch: string) =>
  buckets.put(`state/${stateKeys.batchMachine(run, batch)}`, { version: 1, machine: MACHINE, build: 'b:1' })
const tells = (machine: string, batch: string, number: number, report: Record<string, string[]>) =>
  buckets.put(`staging/${stagedKeys.progress(stagingPrefixOfBatch(machine, run, batch))}${number}.json`, {
    building: [],
    uploading: [],
    staged: [],
    ...report,
  })
const live = () => readLive({ state: buckets.bucket('state'), staging: buckets.bucket('staging') }, run)

describe('what a run is doing', () => {
  test('shows all that a machine has in hand, by its last words', async () => {
    served(`1-${X86}-1-1`)
    served(`1-${X86}-1-2`)
    tells(MACHINE, `1-${X86}-1-1`, 9, { building: [drv('lib'), drv('app')] })
    tells(MACHINE, `1-${X86}-1-1`, 10, { building: [drv('app')], uploading: [drv('lib')] })
    const [linux] = (await live())?.systems ?? []
    expect(linux?.lanes[0]).toMatchObject({
      slot: 1,
      hand: [
        {
          id: `1-${X86}-1-1`,
          derivations: [
            { name: 'lib', status: 'uploading' },
            { name: 'app', status: 'building' },
          ],
        },
        { id: `1-${X86}-1-2`, derivations: [{ name: 'tool', status: 'waiting' }] },
      ],
    })
    expect(linux?.lanes[1]).toEqual({ system: X86, slot: 2 })
  })

  test('finds what a Mac says, whichever of its workers has the batch', async () => {
    for (const machine of ['AROAWORKER:idle', WORKER])
      buckets.put(`state/${stateKeys.workerSign(MAC, machine)}`, { version: 1 })
    tells(WORKER, `1-${MAC}-1-1`, 1, { building: [drv('mac')] })
    const [, mac] = (await live())?.systems ?? []
    expect(mac?.lanes).toMatchObject([{ hand: [{ derivations: [{ name: 'mac', status: 'building' }] }] }])
  })

  test('counts what is published, and leaves out of a hand the batches that are over', async () => {
    const first = `1-${X86}-1-1`
    const said = [became(drv('lib'), 'published'), became(drv('app'), 'failed')]
    buckets.put(`state/${stateKeys.outcome(run, first)}`, outcomeOf(run, first, said))
    const [linux] = (await live())?.systems ?? []
    expect(linux).toMatchObject({ total: 3, published: 1, failed: 1, secondsLeft: 60 })
    expect(linux?.lanes[0]?.hand?.map(({ id }) => id)).toEqual([`1-${X86}-1-2`])
  })

  test('is told in lines', async () => {
    tells(MACHINE, `1-${X86}-1-1`, 1, { building: [drv('lib')] })
    served(`1-${X86}-1-1`)
    const now = await live()
    if (now === undefined) throw new Error('nothing is planned')
    expect(formatLive(now).join('\n')).toMatch(/machine 1: .*building lib/)
  })

  test('is nothing while nothing is planned', async () => {
    run = 'unplanned'
    expect(await live()).toBeUndefined()
  })
})
