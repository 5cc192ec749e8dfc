import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HashParts } from '../../../../../functions/shared/cache-index/hash-parts.ts'

const DIGITS = '0123456789abcdfghijklmnpqrsvwxyz'.split('')
const hashPart = fc.array(fc.constantFrom(...DIGITS), { minLength: 32, maxLength: 32 }).map((d) => d.join(''))
const some = fc.array(hashPart, { maxLength: 40 })
const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(32)) as [string, string, string]

test('an object says what it is, and can be read with zstd alone', async () => {
  const text = zstdDecompressSync(await HashParts.of([B, A, B]).pack()).toString()
  expect(text.split('\n')).toEqual(['# hearth cache index, version 1 ', A, B, ''])
})

test('what was packed is unpacked, sorted, each once', async () => {
  await fc.assert(
    fc.asyncProperty(some, hashPart, async (hashParts, other) => {
      const read = await HashParts.unpack('key', await HashParts.of([...hashParts, ...hashParts]).pack())
      expect([...read]).toEqual([...new Set(hashParts)].sort())
      expect(read.size).toBe(new Set(hashParts).size)
      for (const one of hashParts) expect(read.has(one)).toBe(true)
      expect(read.has(other)).toBe(hashParts.includes(other))
      for (const questions of [0, 1000]) {
        const lookup = read.lookup(questions)
        expect([...hashParts, other].filter((one) => !lookup.has(one))).toEqual(
          read.has(other) ? [] : [other],
        )
      }
    }),
  )
})

test('a change adds and removes, and what is both is removed', () => {
  fc.assert(
    fc.property(some, some, some, some, (kept, lost, added, never) => {
      const changed = HashParts.of([...kept, ...lost]).changed(
        [...added, ...never],
        new Set([...lost, ...never]),
      )
      const gone = new Set([...lost, ...never])
      expect([...changed]).toEqual([...new Set([...kept, ...added])].filter((one) => !gone.has(one)).sort())
    }),
  )
})

test('a million hash parts are 21 MB', async () => {
  // 10,000 stand for them: every digit has 5 bits of chance, however many there are.
  const chance = Array.from({ length: 10_000 }, (_, index) =>
    Array.from(
      { length: 32 },
      (__, digit) => DIGITS[Math.imul(index * 32 + digit + 1, 2654435761) >>> 27],
    ).join(''),
  )
  expect((await HashParts.of(chance).pack()).length).toBeLessThan(21 * 10_000)
})

describe('a damaged object is named, with the remedy', () => {
  const text = (lines: string[]) => zstdCompressSync(lines.join('\n'))
  test.each([
    ['no zstd', Buffer.from('hello'), 'cannot be unpacked'],
    ['something else', text(['hello', '']), 'is no list of hash parts of version 1'],
    [
      'a later version',
      text(['# hearth cache index, version 2 ', A, '']),
      'is no list of hash parts of version 1',
    ],
    [
      'cut off',
      text(['# hearth cache index, version 1 ', A, C.slice(1), '']),
      'ends in the middle of a line',
    ],
  ])('%s', async (_, bytes, reason) => {
    await expect(HashParts.unpack('index/paths.zst', bytes)).rejects.toMatchObject({
      name: 'IndexDamaged',
      message: expect.stringMatching(`index/paths.zst .*${reason}.*hearth index rebuild`) as string,
    })
  })
})
