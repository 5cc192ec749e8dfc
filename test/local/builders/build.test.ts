import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { brotliDecompressSync, zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BuildJob, DerivationResult, MachineJob } from '../../../functions/shared/contract.ts'
import { stagingPrefixOfBatch, stateKeys } from '../../../functions/shared/keys.ts'
import { parseNarInfo } from '../../../nix/narinfo.ts'
import { formatPublicKey, generateSecretKey, publicKeyOf } from '../../../nix/signature.ts'
import { baseNameOf, hashPartOf, type StorePath } from '../../../nix/store-path.ts'
import { AwsDouble, type TaskAnswer, USER_ID } from './aws-double.ts'
import { bundleBuilder, type Machine, makeMachine, type Ran } from './machine.ts'
import { publish } from './published-cache.ts'
import { ARCHIVE, evaluateSample, type SampleGraph } from './sample-graph.ts'

const folder = mkdtempSync(join(tmpdir(), 'hearth-test-build-'))
const temporary = join(folder, 'tmp')
const aws = new AwsDouble()
aws.prefix = stagingPrefixOfBatch(USER_ID, 'run-1', 'batch-1')
const key = generateSecretKey('test-cache-1')
const publicKeys = [formatPublicKey(publicKeyOf(key))]
let builder: string
let sample: SampleGraph

beforeAll(async () => {
  mkdirSync(temporary)
  await aws.start()
  builder = await bundleBuilder(folder)
  sample = await evaluateSample(folder, builder)
  aws.put(`state/${ARCHIVE}`, sample.archive)
})

afterAll(async () => {
  await aws.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** The command line of a machine that builds, and its environment. */
function workCommand(): [string[], Record<string, string>] {
  const environment = { ...aws.environment(), HEARTH_SANDBOX: 'false', TMPDIR: temporary }
  return [[process.execPath, builder, 'work'], environment]
}

/** What a machine printed, and what it answered at last for the batch. */
interface Built extends Ran {
  answer: TaskAnswer | undefined
}

async function runBuild(machine: Machine, names: string[], changes: Partial<BuildJob> = {}): Promise<Built> {
  handOut(names, changes)
  const ran = await machine.run(...workCommand())
  return { ...ran, answer: aws.answers.at(-1) }
}

/** One batch, and no other. */
function handOut(names: string[], changes: Partial<BuildJob> = {}): void {
  aws.clearStaging()
  const job = 'runs/run-1/batches/batch-1.json'
  aws.put(`state/${job}`, JSON.stringify(sample.job(names, { publicKeys, ...changes })))
  putTurn(1, { version: 1, token: 'token-1', job })
  putTurn(2, { version: 1, end: true })
}

function putTurn(turn: number, job: MachineJob): void {
  aws.put(`state/${stateKeys.machineJob(USER_ID, turn)}`, JSON.stringify(job))
}

const SUCCESS = {
  token: 'token-1',
  action: 'SendTaskSuccess',
  output: JSON.stringify({ machine: USER_ID, isDone: true, building: [] }),
}

const drvPathOf = (name: string) => sample.drvPathOf(name)
const outputsOf = (drvPath: StorePath) => sample.outputsOf(drvPath)
const outputOf = (name: string, output?: string) => sample.outputOf(name, output)

function resultOf(name: string): DerivationResult {
  return JSON.parse(aws.staged(`results/${baseNameOf(drvPathOf(name))}.json`).toString())
}

function narinfoOf(path: StorePath): ReturnType<typeof parseNarInfo> {
  return parseNarInfo(aws.staged(`${hashPartOf(path)}.narinfo`).toString())
}

const FIRST_WAVE = [
  'libbase-1.0',
  'libleft-1.0',
  'libright-1.0',
  'multi-2.0',
  'tool-1.0',
  'broken-1.0',
  'needs-broken-1.0',
  'bad-hash-1.0',
  'exotic-1.0',
  'exotic-shell',
]

describe('a batch with healthy and failing derivations, on an empty machine', () => {
  let ran: Built
  beforeAll(async () => {
    ran = await runBuild(makeMachine(join(folder, 'first')), FIRST_WAVE)
  })

  test('the builder itself succeeds, and says what happens', () => {
    expect(ran.status, ran.stdout + ran.stderr).toBe(0)
    expect(ran.answer).toEqual(SUCCESS)
    expect(aws.answers[0]).toEqual({ token: 'token-1', action: 'SendTaskHeartbeat' })
    expect(ran.stdout).toMatch(/^building \d+\/10 libleft-1\.0$/m)
    expect(ran.stdout).toMatch(/^built \d+\/10 libbase-1\.0 \(\d+\.\d s\), \d left$/m)
    expect(ran.stdout).toMatch(/^uploaded libbase-1\.0 \(\d+ B → \d+ B\)$/m)
    expect(ran.stdout).toMatch(/^failed \d+\/10 broken-1\.0: builder failed with exit code 3/m)
    expect(ran.stdout).toMatch(/^not tried \d+\/10 needs-broken-1\.0: it needs broken-1\.0/m)
    expect(ran.stdout).toMatch(/^10 derivations: 5 built, 3 failed, 1 dependency-failed, 1 input-missing$/m)
  })

  test.each(FIRST_WAVE.slice(0, 5))('%s is built and staged whole', (name) => {
    const result = resultOf(name)
    expect(result).toMatchObject({ version: 1, status: 'built', drvPath: drvPathOf(name) })
    for (const path of Object.values(outputsOf(drvPathOf(name)))) {
      const info = narinfoOf(path)
      expect(info).toMatchObject({
        storePath: path,
        compression: 'zstd',
        deriver: drvPathOf(name),
        signatures: [],
      })
      const file = aws.staged(info.url)
      expect(file.length).toBe(info.fileSize)
      expect(zstdDecompressSync(file).length).toBe(info.narSize)
    }
  })

  test('a result tells the NarHash of every path in the closure of its inputs', () => {
    const left = resultOf('libleft-1.0')
    const base = narinfoOf(outputOf('libbase-1.0'))
    expect(left).toHaveProperty(['inputs', base.storePath], base.narHash)
    const inputs = left.status === 'built' ? Object.keys(left.inputs) : []
    // and of its source, the static bash that builds it
    expect(inputs.map((path) => path.slice(44)).sort()).toEqual(['bootstrap', 'libbase-1.0'])
  })

  test('references between outputs, and to a source that is staged with them', () => {
    expect(narinfoOf(outputOf('multi-2.0', 'dev')).references).toEqual([outputOf('multi-2.0', 'out')])
    const [script] = narinfoOf(outputOf('tool-1.0')).references
    expect(script).toMatch(/-script\.sh$/)
    if (script !== undefined) expect(narinfoOf(script)).toMatchObject({ storePath: script, references: [] })
  })

  test.each([
    ['broken-1.0', 'builder failed with exit code 3'],
    ['bad-hash-1.0', 'hash mismatch in fixed-output derivation: specified: sha256-'],
    ['exotic-1.0', 'with features {quantum} is required'],
  ])('%s failed: %s', (name, message) => {
    expect(resultOf(name)).toMatchObject({ status: 'failed', message: expect.stringContaining(message) })
  })

  test('the end of a failed build’s log is in its result, all of it beside it', () => {
    expect(resultOf('broken-1.0')).toHaveProperty('logTail', [`about to fail ${outputOf('libbase-1.0')}`])
    const log = aws.staged(`log/${baseNameOf(drvPathOf('broken-1.0'))}`)
    expect(brotliDecompressSync(log).toString()).toContain('about to fail')
  })

  test('what depends on a failure says on which', () => {
    expect(resultOf('needs-broken-1.0')).toMatchObject({
      status: 'dependency-failed',
      because: [drvPathOf('broken-1.0')],
    })
  })

  test('what lacks an input that no cache has says which, and is not built', () => {
    expect(resultOf('exotic-shell')).toMatchObject({
      status: 'input-missing',
      missing: [outputOf('app-1.0')],
    })
  })

  test('nothing is left in the temporary folder', () => {
    expect(readdirSync(temporary)).toEqual([])
  })
})

describe('a second batch, on another machine', () => {
  beforeAll(async () => {
    await runBuild(makeMachine(join(folder, 'publisher')), [
      'libbase-1.0',
      'libleft-1.0',
      'libright-1.0',
      'tool-1.0',
    ])
  })

  test('takes its inputs from our cache, with their signatures', async () => {
    publish(aws, key)
    const machine = makeMachine(join(folder, 'second'))
    const ran = await runBuild(machine, ['app-1.0', 'default-shell'])
    expect(ran.status, ran.stdout + ran.stderr).toBe(0)
    expect(ran.stdout).toMatch(/^fetching libleft-1\.0 from http:\/\/127\.0\.0\.1:\d+$/m)
    expect(resultOf('app-1.0')).toMatchObject({ status: 'built' })
    expect(resultOf('default-shell')).toMatchObject({ status: 'built' })
    // nothing that came from a cache is staged again
    expect(aws.stagedNames()).not.toContain(`${hashPartOf(outputOf('libleft-1.0'))}.narinfo`)
  })

  test('does not believe another key', async () => {
    const ran = await runBuild(makeMachine(join(folder, 'wary')), ['app-1.0', 'default-shell'], {
      publicKeys: [formatPublicKey(publicKeyOf(generateSecretKey('test-cache-1')))],
    })
    expect(ran.status, ran.stdout + ran.stderr).toBe(0)
    const missing = expect.arrayContaining([outputOf('libleft-1.0'), outputOf('libright-1.0')])
    expect(resultOf('app-1.0')).toMatchObject({ status: 'input-missing', missing })
    expect(resultOf('default-shell')).toMatchObject({ status: 'input-missing', missing })
  })
})

test('an archive other than the pinned one is refused before Nix sees it', async () => {
  const machine = makeMachine(join(folder, 'refusing'))
  const ran = await runBuild(machine, ['libbase-1.0'], { archive: { key: ARCHIVE, sha256: '0'.repeat(64) } })
  expect(ran.answer).toMatchObject({
    action: 'SendTaskFailure',
    error: 'ArchiveRefused',
    cause: expect.stringContaining('it was altered, nothing of it is imported'),
  })
  expect(aws.stagedNames()).toEqual([])
  const listed = await machine.run(['bash', '-c', 'ls /nix/store 2>/dev/null | grep -c drv'])
  expect(listed.stdout.trim()).toBe('0')
})

test('what cannot be uploaded has no result, and the builder says so', async () => {
  const parcel = `staging/${aws.prefix}parcels/0`
  aws.broken.add(parcel)
  const ran = await runBuild(makeMachine(join(folder, 'unlucky')), ['libbase-1.0', 'libleft-1.0'])
  aws.broken.delete(parcel)
  expect(ran.answer).toMatchObject({
    action: 'SendTaskFailure',
    error: 'BatchIncomplete',
    cause: expect.stringMatching(/^without a result:\nlib(base|left)-1\.0: InvalidRequest/),
  })
  expect(ran.stdout).toMatch(/^2 derivations: 2 not staged$/m)
  expect(aws.stagedNames()).toEqual([])
})

test('small things are uploaded together', async () => {
  aws.requests.splice(0)
  const ran = await runBuild(makeMachine(join(folder, 'packing')), ['libbase-1.0', 'libleft-1.0', 'tool-1.0'])
  expect(ran.answer).toEqual(SUCCESS)
  const uploads = aws.requests.filter((request) => request.startsWith('PUT '))
  // four outputs and a source, with as many NARs and narinfos, three logs and three results
  expect(aws.stagedNames().length).toBeGreaterThan(12)
  expect(uploads.length).toBeLessThan(6)
  expect(uploads.every((upload) => upload.startsWith(`PUT staging/${aws.prefix}parcels/`))).toBe(true)
})

test('a machine that is asked whether it is there says so, and looks for its next job', async () => {
  aws.answers.splice(0)
  putTurn(1, { version: 1, token: 'token-1', hello: true })
  putTurn(2, { version: 1, end: true })
  const ran = await makeMachine(join(folder, 'polite')).run(...workCommand())
  expect(ran.status, ran.stdout + ran.stderr).toBe(0)
  expect(aws.answers).toEqual([SUCCESS])
})

test('a job whose outputs are not those of the derivation is refused', async () => {
  const drvPath = drvPathOf('libbase-1.0')
  const outputs = { out: outputOf('libleft-1.0') }
  const ran = await runBuild(makeMachine(join(folder, 'contradicted')), [], {
    derivations: [{ drvPath, outputs, inputs: [], needs: [], path: 1, isAwaited: false }],
  })
  expect(ran.answer).toMatchObject({
    action: 'SendTaskFailure',
    error: 'ArchiveRefused',
    cause: expect.stringContaining(`${drvPath} has the outputs`),
  })
})

test('a builder that is stopped takes its builds with it, leaves nothing behind and calls nothing failed', async () => {
  handOut(['endless-1.0'])
  const child = makeMachine(join(folder, 'stopped')).start(...workCommand())
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'building 1/1 endless-1.0') child.kill('SIGTERM')
  }
  const [status] =
    child.exitCode === null ? ((await once(child, 'exit')) as [number | null]) : [child.exitCode]
  expect(status).toBe(143)
  expect(aws.answers.at(-1)).toEqual({
    token: 'token-1',
    action: 'SendTaskFailure',
    error: 'BuilderStopped',
    cause: 'the machine was stopped by SIGTERM',
  })
  expect(aws.stagedNames()).toEqual([])
  expect(readdirSync(temporary)).toEqual([])
  const left = readdirSync('/proc').filter(
    (id) => /^\d+$/.test(id) && commandLineOf(id).includes('while true; do :; done'),
  )
  expect(left).toEqual([])
})

function commandLineOf(processId: string): string {
  try {
    return readFileSync(`/proc/${processId}/cmdline`, 'utf8')
  } catch {
    // it has just ended
    return ''
  }
}
