import { describe, expect, test } from 'vitest'
import {
  everyPublisherKnows,
  publicKeysOf,
  retirableFrom,
} from '../../../../functions/shared/key-lifetime.ts'
import type { Resigning, SigningKeys } from '../../../../functions/shared/records.ts'

const KEYS: SigningKeys = {
  version: 1,
  keys: [
    {
      name: 'a-1',
      publicKey: 'a-1:x',
      created: '2026-01-01T00:00:00.000Z',
      retired: '2026-06-01T00:00:00.000Z',
    },
    {
      name: 'a-2',
      publicKey: 'a-2:x',
      created: '2026-04-01T00:00:00.000Z',
      rotated: '2026-10-01T00:00:00.000Z',
    },
    { name: 'a-3', publicKey: 'a-3:x', created: '2026-10-01T00:00:00.000Z' },
  ],
}
const resigned = (keys: string[], completed?: string): Resigning => ({
  version: 1,
  keys,
  execution: 'x',
  started: '2026-10-01T00:20:00.000Z',
  updated: '2026-10-01T00:20:00.000Z',
  after: '',
  seconds: 0,
  done: 0,
  signed: 0,
  total: 0,
  foreign: 0,
  foreigners: [],
  ...(completed === undefined ? {} : { completed }),
})

test('clients and builders trust the keys that sign, and none that is retired', () => {
  expect(publicKeysOf(KEYS)).toEqual(['a-2:x', 'a-3:x'])
  expect(publicKeysOf(undefined)).toEqual([])
})

test('every publisher knows a key when the last Lambda that began before it has ended', () => {
  expect(everyPublisherKnows(KEYS)?.toISOString()).toBe('2026-10-01T00:16:00.000Z')
  expect(everyPublisherKnows(undefined)).toBeUndefined()
})

describe('a key may be retired', () => {
  const whole = resigned(['a-2', 'a-3'], '2026-10-02T00:00:00.000Z')
  test.each<[string, SigningKeys | undefined, Resigning | undefined, string, string | undefined]>([
    ['30 days after the whole cache had another signature', KEYS, whole, 'a-2', '2026-11-01T00:00:00.000Z'],
    ['the newest as well as the oldest', KEYS, whole, 'a-3', '2026-11-01T00:00:00.000Z'],
    ['not before the cache is re-signed', KEYS, undefined, 'a-2', undefined],
    ['not while it is being re-signed', KEYS, resigned(['a-2', 'a-3']), 'a-2', undefined],
    [
      'not when it was re-signed with that key alone',
      KEYS,
      resigned(['a-2'], '2026-05-01T00:00:00.000Z'),
      'a-2',
      undefined,
    ],
    [
      'not when the other key is retired itself',
      KEYS,
      resigned(['a-1', 'a-2'], '2026-05-01T00:00:00.000Z'),
      'a-2',
      undefined,
    ],
    ['not when there is no key', undefined, whole, 'a-2', undefined],
  ])('%s', (_, record, resigning, name, from) => {
    expect(retirableFrom(record, resigning, name)?.toISOString()).toBe(from)
  })
})
