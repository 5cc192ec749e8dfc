import { describe, expect, test } from 'vitest'
import type { Resigning, SigningKeys } from '../../../functions/shared/records.ts'
import { nixConf, nixConfig, substituterOf } from '../../../scripts/hearth/keys/client-settings.ts'
import { formatForeigners, formatKeys, formatResigning } from '../../../scripts/hearth/keys/format-keys.ts'
import { listKeys, listResigning } from '../../../scripts/hearth/keys/listed-keys.ts'

const RECORD: SigningKeys = {
  version: 1,
  keys: [
    {
      name: 'a-1',
      publicKey: 'a-1:AAAA=',
      created: '2026-01-01T00:00:00.000Z',
      retired: '2026-06-01T00:00:00.000Z',
    },
    {
      name: 'a-2',
      publicKey: 'a-2:BBBB=',
      created: '2026-04-01T00:00:00.000Z',
      rotated: '2026-10-01T00:00:00.000Z',
    },
    { name: 'a-3', publicKey: 'a-3:CCCC=', created: '2026-10-01T00:00:00.000Z' },
  ],
}
const PASS: Resigning = {
  version: 1,
  keys: ['a-2', 'a-3'],
  execution: 'resign-1',
  started: '2026-10-01T00:20:00.000Z',
  updated: '2026-10-01T00:25:00.000Z',
  after: '8000',
  seconds: 300,
  done: 2500,
  signed: 2499,
  total: 10_000,
  foreign: 0,
  foreigners: [],
}

test('the settings of a client, for nix.conf and for a flake', () => {
  const settings = {
    substituter: substituterOf('hearth-prod-cache-123456789012-eu-central-1', 'eu-central-1'),
    publicKeys: ['a-2:BBBB=', 'a-3:CCCC='],
  }
  expect(nixConf(settings)).toBe(
    'extra-substituters = s3://hearth-prod-cache-123456789012-eu-central-1?region=eu-central-1\n' +
      'extra-trusted-public-keys = a-2:BBBB= a-3:CCCC=',
  )
  expect(nixConfig(settings)).toBe(
    'nixConfig = {\n' +
      '  extra-substituters = [ "s3://hearth-prod-cache-123456789012-eu-central-1?region=eu-central-1" ];\n' +
      '  extra-trusted-public-keys = [ "a-2:BBBB=" "a-3:CCCC=" ];\n' +
      '};',
  )
})

describe('what is said of a key', () => {
  const complete = { ...PASS, completed: '2026-10-02T00:00:00.000Z' }
  test.each<[string, Resigning | undefined, string, (string | undefined)[]]>([
    ['before re-signing', undefined, '2026-10-03', [undefined, 'after re-signing', 'after re-signing']],
    ['while re-signing', PASS, '2026-10-03', [undefined, 'after re-signing', 'after re-signing']],
    [
      'the day after',
      complete,
      '2026-10-03',
      [undefined, '2026-11-01T00:00:00.000Z', '2026-11-01T00:00:00.000Z'],
    ],
    ['30 days after', complete, '2026-11-01', [undefined, 'now', 'now']],
  ])('%s', (_, resigning, now, retirable) => {
    const keys = listKeys(RECORD, resigning, new Date(now))
    expect(keys.map(({ status }) => status)).toEqual(['retired', 'signs', 'signs'])
    expect(keys.map((key) => key.retirable)).toEqual(retirable)
  })

  test('the only key never goes', () => {
    const alone = { ...RECORD, keys: RECORD.keys.slice(0, 2) }
    expect(listKeys(alone, complete, new Date('2027-01-01')).map((key) => key.retirable)).toEqual([
      undefined,
      'the only key',
    ])
  })
})

test('the keys as a table', () => {
  const complete = { ...PASS, completed: '2026-10-02T00:00:00.000Z' }
  expect(formatKeys(listKeys(RECORD, complete, new Date('2026-10-03'))).split('\n')).toEqual([
    'name  status   created     rotated     retired     may be retired   public key',
    'a-1   retired  2026-01-01              2026-06-01                   a-1:AAAA=',
    'a-2   signs    2026-04-01  2026-10-01              from 2026-11-01  a-2:BBBB=',
    'a-3   signs    2026-10-01                          from 2026-11-01  a-3:CCCC=',
  ])
  expect(formatKeys([])).toBe('there is no signing key yet: `hearth keys create` makes the first one')
})

describe('how far re-signing is', () => {
  test('time that is left, by the pace so far', () => {
    expect(listResigning(PASS).secondsLeft).toBe(900)
    expect(listResigning({ ...PASS, done: 0, seconds: 0 }).secondsLeft).toBe(0)
    expect(listResigning({ ...PASS, completed: '2026-10-02' }).secondsLeft).toBe(0)
  })

  test.each<[string, Resigning, string]>([
    [
      'under way',
      PASS,
      're-signing with a-2, a-3: 2500 of about 10000 narinfos looked at, 2499 signed, about 15 min left',
    ],
    [
      'complete',
      { ...PASS, completed: '2026-10-02T00:00:00.000Z', foreign: 2 },
      're-signed with a-2, a-3: complete since 2026-10-02T00:00:00.000Z; the last pass looked at 2500 narinfos and signed 2499, 2 that none of our keys has signed',
    ],
  ])('%s', (_, pass, line) => {
    expect(formatResigning(pass)).toBe(line)
  })

  test('what nobody of ours has signed, by name', () => {
    const pass = { ...PASS, foreign: 3, foreigners: [{ key: 'x.narinfo', reason: 'it is not UTF-8' }] }
    expect(formatForeigners(pass)).toBe('  x.narinfo: it is not UTF-8\n  and 2 more')
  })
})
