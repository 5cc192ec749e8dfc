import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { mockClient } from 'aws-sdk-client-mock'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { changeKeys } from '../../../../../functions/publish/keys/change-keys.ts'
import type { KeyChange } from '../../../../../functions/shared/contract.ts'
import type { SigningKeys } from '../../../../../functions/shared/records.ts'
import { formatPublicKey, parseSecretKey, publicKeyOf } from '../../../../../nix/signature.ts'
import { Buckets, refusal } from '../../buckets.ts'
import { captureLog } from '../../lambda.ts'

type Change = Exclude<KeyChange, { change: 'resign' }>

const FRESH = '{"keys": []}'
let buckets: Buckets
let log: { text(): string }
/** the versions of the secret, newest last */
let versions: { id: string; text: string }[]
/** called before and after each request that reaches AWS */
let watch: () => void
const secrets = mockClient(SecretsManagerClient)

beforeEach(() => {
  log = captureLog()
  buckets = new Buckets()
  versions = [{ id: 'initial', text: FRESH }]
  watch = () => undefined
  secrets.reset()
  secrets.on(GetSecretValueCommand).callsFake(() => {
    watch()
    const { id, text } = versions.at(-1) ?? { id: '', text: '' }
    return { SecretString: text, VersionId: id }
  })
  secrets.on(PutSecretValueCommand).callsFake(({ SecretString = '', ClientRequestToken = '' }) => {
    watch()
    if (versions.some(({ id, text }) => id === ClientRequestToken && text !== SecretString))
      throw new ResourceExistsException({ message: 'another value', $metadata: {} })
    versions.push({ id: String(ClientRequestToken), text: String(SecretString) })
    watch()
    return {}
  })
})
afterEach(() => {
  vi.restoreAllMocks()
})

const change = (what: Change, execution: string, at = '2026-11-01T00:00:00Z') =>
  changeKeys(
    what,
    {
      secrets: new SecretsManagerClient({}),
      secretId: 'the-keys',
      state: buckets.bucket('state'),
      deployment: 'hearth-prod',
      execution,
    },
    () => new Date(at),
  )
const stored = (): string[] => (JSON.parse(versions.at(-1)?.text ?? '') as { keys: string[] }).keys
const names = (): string[] => stored().map((key) => parseSecretKey(key).name)
const record = () => buckets.json('state/signing-keys.json') as SigningKeys
const retire = (name: string, force = false): Change => ({ change: 'retire', name, force })
const resigned = (keys: string[], completed: string): void =>
  buckets.put('state/resigning.json', { version: 1, keys, completed })

test('a key from its creation to its retirement', async () => {
  await change({ change: 'create' }, 'one', '2026-01-01T00:00:00Z')
  expect(names()).toEqual(['hearth-prod-1'])
  await change({ change: 'rotate' }, 'two', '2026-02-01T00:00:00Z')
  expect(names()).toEqual(['hearth-prod-1', 'hearth-prod-2'])
  resigned(['hearth-prod-1', 'hearth-prod-2'], '2026-02-02T00:00:00Z')
  await change(retire('hearth-prod-1'), 'three', '2026-03-05T00:00:00Z')
  expect(names()).toEqual(['hearth-prod-2'])
  await change({ change: 'rotate' }, 'four', '2026-04-01T00:00:00Z')
  expect(record()).toEqual({
    version: 1,
    keys: [
      {
        name: 'hearth-prod-1',
        publicKey: expect.stringMatching(/^hearth-prod-1:/),
        created: '2026-01-01T00:00:00.000Z',
        rotated: '2026-02-01T00:00:00.000Z',
        retired: '2026-03-05T00:00:00.000Z',
      },
      {
        name: 'hearth-prod-2',
        publicKey: expect.stringMatching(/^hearth-prod-2:/),
        created: '2026-02-01T00:00:00.000Z',
        rotated: '2026-04-01T00:00:00.000Z',
      },
      {
        name: 'hearth-prod-3',
        publicKey: expect.stringMatching(/^hearth-prod-3:/),
        created: '2026-04-01T00:00:00.000Z',
      },
    ],
  })
  const publicKeys = record()
    .keys.slice(1)
    .map(({ publicKey }) => publicKey)
  expect(publicKeys).toEqual(stored().map((key) => formatPublicKey(publicKeyOf(parseSecretKey(key)))))
})

describe('what is refused changes nothing', () => {
  const two = async () => {
    await change({ change: 'create', name: 'acme-1' }, 'one')
    await change({ change: 'rotate' }, 'two')
  }
  test.each<[string, () => Promise<unknown>, Change, string]>([
    ['a second first key', two, { change: 'create' }, 'KeyExists'],
    ['to rotate what is not there', async () => undefined, { change: 'rotate' }, 'NoKeyYet'],
    ['to retire what is not there', two, retire('acme-3', true), 'NoSuchKey'],
    ['to retire before the cache is re-signed', two, retire('acme-1'), 'StillNeeded'],
    [
      'to retire before clients have forgotten',
      async () => {
        await two()
        resigned(['acme-1', 'acme-2'], '2026-10-03T00:00:00Z')
      },
      retire('acme-1'),
      'StillNeeded',
    ],
    [
      'to retire the last key',
      () => change({ change: 'create', name: 'acme-1' }, 'one'),
      retire('acme-1'),
      'LastKey',
    ],
    [
      'to retire the last key, even by force',
      () => change({ change: 'create', name: 'acme-1' }, 'one'),
      retire('acme-1', true),
      'LastKey',
    ],
    [
      'a name that cannot be written',
      async () => undefined,
      { change: 'create', name: 'a b' },
      'InvalidKeyName',
    ],
    [
      'a secret that is not readable',
      async () => versions.push({ id: 'x', text: 'acme-1:AAAA' }),
      { change: 'create' },
      'UnreadableSigningKeys',
    ],
  ])('%s', async (_, arrange, what, name) => {
    await arrange()
    const before = [versions.length, record()?.keys ?? []]
    await expect(change(what, 'last')).rejects.toMatchObject({ name })
    expect([versions.length, record().keys]).toEqual(before)
    expect(record().change).toBeUndefined()
  })

  test('the refusal says from when on', async () => {
    await two()
    resigned(['acme-1', 'acme-2'], '2026-10-31T00:00:00Z')
    await expect(change(retire('acme-1'), 'x')).rejects.toThrow('from 2026-11-30T00:00:00.000Z on')
  })

  test('by force a key is retired at once', async () => {
    await two()
    await change(retire('acme-1', true), 'x')
    expect(names()).toEqual(['acme-2'])
  })
})

describe('one change at a time', () => {
  const other = { execution: 'other', started: '2026-11-01T00:00:00Z' }
  test.each([
    ['another is at it', '2026-11-01T00:14:00Z', 'KeyChangeUnderWay'],
    ['another died half-way', '2026-11-01T00:21:00Z', undefined],
  ])('%s', async (_, now, refusal) => {
    buckets.put('state/signing-keys.json', { version: 1, keys: [], change: other })
    const changing = change({ change: 'create' }, 'mine', now)
    if (refusal === undefined) await changing
    else await expect(changing).rejects.toMatchObject({ name: refusal })
    expect(names()).toEqual(refusal === undefined ? ['hearth-prod-1'] : [])
  })

  test('answers are lost, and the SDK asks again: what is in the way then is its own', async () => {
    const write = buckets.put.bind(buckets)
    buckets.put = (...args) => {
      write(...args)
      throw refusal(412, 'PreconditionFailed')
    }
    await change({ change: 'create', name: 'acme-1' }, 'one')
    await change({ change: 'rotate' }, 'two')
    expect(names()).toEqual(['acme-1', 'acme-2'])
    expect(record()).toMatchObject({ keys: [{ name: 'acme-1' }, { name: 'acme-2' }] })
    expect(record().change).toBeUndefined()
  })

  test('a key that a dead change left unrecorded is recorded by the next', async () => {
    await change({ change: 'create', name: 'acme-1' }, 'one')
    const known = record()
    await change({ change: 'rotate' }, 'two')
    buckets.put('state/signing-keys.json', known)
    await change({ change: 'rotate' }, 'three')
    expect(record().keys.map(({ name }) => name)).toEqual(['acme-1', 'acme-2', 'acme-3'])
  })
})

describe('killed at any request and run again, a change is made once', () => {
  class Killed extends Error {
    override name = 'Killed'
  }
  /** S3's writes, too, can be followed by death. */
  function killAt(point: number): () => boolean {
    let seen = 0
    let wasKilled = false
    watch = () => {
      if (++seen === point) {
        wasKilled = true
        throw new Killed()
      }
    }
    const write = buckets.put.bind(buckets)
    buckets.put = (...args) => {
      watch()
      write(...args)
      watch()
    }
    return () => wasKilled
  }

  test.each<[string, Change, string[]]>([
    ['create', { change: 'create', name: 'acme-1' }, ['acme-1']],
    ['rotate', { change: 'rotate' }, ['acme-1', 'acme-2']],
    ['retire', retire('acme-1', true), ['acme-2']],
  ])('%s', async (_, what, expected) => {
    const points: number[] = []
    for (let point = 1; ; point++) {
      buckets = new Buckets()
      versions = [{ id: 'initial', text: FRESH }]
      if (what.change !== 'create') await change({ change: 'create', name: 'acme-1' }, 'before-1')
      if (what.change === 'retire') await change({ change: 'rotate' }, 'before-2')
      const wasKilled = killAt(point)
      await change(what, 'mine').catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error
      })
      watch = () => undefined
      if (!wasKilled()) break
      points.push(point)
      await change(what, 'mine')
      expect([point, names()]).toEqual([point, expected])
      const signing = record().keys.filter(({ retired }) => retired === undefined)
      expect(signing.map(({ publicKey }) => publicKey)).toEqual(
        stored().map((key) => formatPublicKey(publicKeyOf(parseSecretKey(key)))),
      )
      expect(record().change).toBeUndefined()
    }
    // the claim, the secret read and written, the record written
    expect(points.length).toBeGreaterThanOrEqual(7)
  })
})

test('no secret key is in a log line, nor in an answer', async () => {
  const answers = [
    await change({ change: 'create', name: 'acme-1' }, 'one'),
    await change({ change: 'rotate' }, 'two'),
    await change(retire('acme-1', true), 'three'),
  ]
  const said = `${log.text()}${JSON.stringify(answers)}${buckets.text('state/signing-keys.json') ?? ''}`
  expect(log.text()).toContain('signing keys changed')
  for (const { text } of versions.slice(1))
    for (const key of (JSON.parse(text) as { keys: string[] }).keys)
      // the seed, which the public half does not give away
      expect(said).not.toContain(key.slice(key.indexOf(':') + 1).slice(0, 40))
})
