import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { ListExecutionsCommand, StopExecutionCommand } from '@aws-sdk/client-sfn'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { findJson, readJson, writeJson } from '../../../functions/shared/objects.ts'
import type { Resigning, SigningKeys } from '../../../functions/shared/records.ts'
import { processesWith } from '../../../local/process/process-tree.ts'
import { parseNarInfo } from '../../../nix/narinfo.ts'
import { formatPublicKey, generateSecretKey, publicKeyOf } from '../../../nix/signature.ts'
import type { StorePath } from '../../../nix/store-path.ts'
import { startTestCompany, type TestCompany } from '../pipeline/company-on-one-machine.ts'
import { allObjects, unsigned } from './cache-of-narinfos.ts'
import { pathsTaken } from './nix-client.ts'

/**
 * One rotation from beginning to end, by the command line, with real Nix as the client: at no time is there a published path that a laptop
 * with the keys of the day cannot take. The steps build on each other.
 */

const DAY = 24 * 60 * 60 * 1000
let company: TestCompany
/** everything that the command line printed */
let printed = ''
let first: string
let second: string

beforeAll(async () => {
  company = await startTestCompany({ secondsPerSystem: 120, megabytes: 2048 })
  first = company.world.publicKey
})
afterAll(async () => {
  await company.close()
})

/** Runs `hearth --local --json …`, as the operator. */
async function hearth(...args: string[]): Promise<{ status: number; json: unknown; complaint: string }> {
  const folder = join(company.world.folder, 'aws')
  const child = spawn(
    process.execPath,
    ['scripts/hearth.mjs', '--local', '--folder', folder, '--json', ...args],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const [out, complaint, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  printed += out + complaint
  return { status: Number(status), json: out === '' ? undefined : JSON.parse(out), complaint }
}

const cache = () => ({ s3: company.world.s3, name: company.world.cacheBucket })
async function narinfos(): Promise<Map<string, string>> {
  const objects = await allObjects(cache())
  return new Map([...objects].filter(([key]) => key.endsWith('.narinfo')))
}
async function published(): Promise<StorePath[]> {
  return [...(await narinfos()).values()].map((narinfo) => parseNarInfo(narinfo).storePath)
}
/** How many narinfos have which keys’ signatures. */
async function signatures(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const narinfo of (await narinfos()).values()) {
    const names = parseNarInfo(narinfo).signatures.map((signature) => signature.split(':')[0])
    counts[names.join()] = (counts[names.join()] ?? 0) + 1
  }
  return counts
}
const record = () => readJson<SigningKeys>(company.world.state, stateKeys.signingKeys)
const resigning = () => findJson<Resigning>(company.world.state, stateKeys.resigning)

/** The records as they will be read some days from now: their dates lie that much earlier. */
async function letDaysPass(days: number): Promise<void> {
  const earlier = (date: string | undefined) =>
    date === undefined ? {} : { date: new Date(Date.parse(date) - days * DAY).toISOString() }
  const { keys } = await record()
  await writeJson(company.world.state, stateKeys.signingKeys, {
    version: 1,
    keys: keys.map((key) => ({ ...key, created: earlier(key.created).date ?? key.created })),
  })
  const pass = await resigning()
  if (pass?.completed === undefined) return
  await writeJson(company.world.state, stateKeys.resigning, {
    ...pass,
    completed: earlier(pass.completed).date,
  })
}

async function expectTaken(keys: string[]): Promise<void> {
  const paths = await published()
  expect(await pathsTaken(company.world, paths, keys)).toEqual(paths)
}

describe('before', () => {
  test('a laptop takes every published path, and none with a stranger’s key', async () => {
    await company.push('README.md', '# Shells\n')
    expect(Object.keys(await signatures())).toEqual(['acme-1'])
    await expectTaken([first])
    const stranger = formatPublicKey(publicKeyOf(generateSecretKey('acme-1')))
    expect(await pathsTaken(company.world, await published(), [stranger])).toEqual([])
  })

  test('a second first key is refused, and so is to retire the only one', async () => {
    const created = await hearth('keys', 'create')
    expect([created.status, created.complaint]).toEqual([
      1,
      expect.stringMatching(/^KeyExists: .*hearth keys rotate/),
    ])
    const retired = await hearth('keys', 'retire', 'acme-1', '--force')
    expect([retired.status, retired.complaint]).toEqual([1, expect.stringMatching(/^LastKey: /)])
  })
})

describe('during', () => {
  test('rotate says what clients must trust', async () => {
    const { status, json } = await hearth('keys', 'rotate')
    expect(status).toBe(0)
    second = (await record()).keys[1]?.publicKey ?? ''
    expect(second).toMatch(/^acme-2:/)
    expect(json).toMatchObject({
      keys: [
        { name: 'acme-1', status: 'signs', retirable: 'after re-signing' },
        { name: 'acme-2', status: 'signs', retirable: 'after re-signing' },
      ],
      nixConf: expect.stringContaining(`extra-trusted-public-keys = ${first} ${second}`),
      nixConfig: expect.stringContaining(`extra-trusted-public-keys = [ "${first}" "${second}" ]`),
    })
  })

  test('from now on narinfos get both signatures, and clients of either age take what is published', async () => {
    const before = await published()
    await company.push('greeting.txt', 'Hello with two keys\n')
    const counts = await signatures()
    expect(counts['acme-1']).toBe(before.length)
    expect(counts['acme-1,acme-2']).toBeGreaterThan(0)
    await expectTaken([first])
    await expectTaken([first, second])
    // What is new refers to what only the old key has signed.
    expect(await pathsTaken(company.world, await published(), [second])).toEqual([])
  })

  test('the old key is needed until the cache is re-signed', async () => {
    const { status, complaint } = await hearth('keys', 'retire', 'acme-1')
    expect([status, complaint]).toEqual([1, expect.stringMatching(/^StillNeeded: .*hearth keys resign/)])
  })

  test('re-signing is killed half-way, and clients notice nothing', async () => {
    // Otherwise it would wait a quarter of an hour for publishers that do not know the new key.
    await letDaysPass(1)
    const before = await narinfos()
    // One narinfo every ten seconds, and its progress kept each time: the first is signed at once, and the last minutes later, however busy this machine is.
    await hearth('keys', 'resign', '--rate', '0.1')
    let pass = await resigning()
    while (pass === undefined || pass.signed === 0) {
      await new Promise((resolve) => setTimeout(resolve, 200))
      pass = await resigning()
    }
    const { world } = company
    const stateMachineArn = world.stack.physicalId('KeysStateMachine')
    const { executions } = await world.sfn.send(
      new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING' }),
    )
    for (const { executionArn } of executions ?? [])
      await world.sfn.send(new StopExecutionCommand({ executionArn }))
    const publishers = processesWith('AWS_LAMBDA_FUNCTION_NAME=hearth-prod-publish').filter((pid) =>
      readFileSync(`/proc/${pid}/environ`, 'utf8').includes(world.stack.endpoint),
    )
    for (const pid of publishers) process.kill(pid, 'SIGKILL')
    expect(publishers.length).toBeGreaterThan(0)

    const counts = await signatures()
    expect(counts['acme-1']).toBeGreaterThan(0)
    expect(counts['acme-1,acme-2']).toBeGreaterThan(0)
    for (const [key, narinfo] of await narinfos())
      expect(unsigned(narinfo)).toBe(unsigned(before.get(key) ?? ''))
    await expectTaken([first])
    await expectTaken([first, second])
  })

  test('started again it goes on, and changes nothing but signatures', async () => {
    const before = await narinfos()
    const half = await resigning()
    const { status, json } = await hearth('keys', 'resign', '--rate', '500', '--wait')
    expect(status).toBe(0)
    expect(json).toMatchObject({
      keys: ['acme-1', 'acme-2'],
      done: before.size,
      total: before.size,
      foreign: 0,
    })
    expect((await resigning())?.started).toBe(half?.started)
    expect(await signatures()).toEqual({ 'acme-1,acme-2': before.size })
    for (const [key, narinfo] of await narinfos())
      expect(unsigned(narinfo)).toBe(unsigned(before.get(key) ?? ''))
    await expectTaken([first])
    await expectTaken([second])
  })

  test('clients remember for 30 days, and the old key is not retired before', async () => {
    await letDaysPass(29)
    const { status, complaint } = await hearth('keys', 'retire', 'acme-1')
    const from = Date.parse((await resigning())?.completed ?? '') + 30 * DAY
    expect([status, complaint]).toEqual([
      1,
      expect.stringContaining(`acme-1 may be retired from ${new Date(from).toISOString()}`),
    ])
  })
})

describe('after', () => {
  test('the old key is retired', async () => {
    await letDaysPass(2)
    expect(await hearth('keys', 'retire', 'acme-1')).toMatchObject({
      status: 0,
      json: { nixConf: expect.stringMatching(/trusted-public-keys = acme-2:[^ ]+$/) },
    })
    expect(await hearth('keys', 'list')).toMatchObject({
      json: {
        keys: [
          { name: 'acme-1', status: 'retired', retired: expect.any(String) },
          { name: 'acme-2', status: 'signs', retirable: 'the only key' },
        ],
      },
    })
  })

  test('builders and laptops that trust the new key alone take everything, old and new', async () => {
    const before = await published()
    const { summary } = await company.push('greeting.txt', 'Hello with the new key\n')
    expect(summary.verdict).toBe('done')
    expect(await signatures()).toEqual({
      'acme-1,acme-2': before.length,
      'acme-2': (await published()).length - before.length,
    })
    expect((await published()).length).toBeGreaterThan(before.length)
    await expectTaken([second])
  })

  test('no secret key was ever anywhere but in Secrets Manager', () => {
    const folder = join(company.world.folder, 'aws')
    const seeds = [
      ...readFileSync(join(folder, 'secrets.json'), 'utf8').matchAll(/acme-\d:([A-Za-z0-9+/=]{88})/g),
    ]
      // the first half: the second one is the public key
      .map(([, base64 = '']) => base64.slice(0, 40))
    expect(new Set(seeds).size).toBe(2)
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((file) => join(folder, file))
      .filter((file) => !file.endsWith('secrets.json') && statSync(file).isFile())
    expect(files.length).toBeGreaterThan(100)
    expect(printed).toContain('acme-2')
    for (const seed of new Set(seeds)) {
      expect(printed).not.toContain(seed)
      expect(files.filter((file) => readFileSync(file).includes(seed))).toEqual([])
    }
  })

  test('and nobody asked for more than its role allows', () => {
    expect(company.world.stack.denied).toEqual([])
  })
})
