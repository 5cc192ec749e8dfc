import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ReferenceScanner } from '../../../nix/reference-scanner.ts'

const A = '0c0shqn0wxsigmb6l7i4lkdg1mx6vlqp'
const B = '1a1nfp9zjcwp8ag2j2m3wm9xkf4kfw6z'
const ABSENT = '2b2s0rl1n5k3dq3cwm4r8zh7l5kp5xpx'

function scan(text: string, pieces = Infinity): string[] {
  const bytes = Buffer.from(text, 'latin1')
  const scanner = new ReferenceScanner([A, B, ABSENT])
  for (let at = 0; at < bytes.length; at += pieces)
    scanner.write(bytes.subarray(at, Math.min(at + pieces, bytes.length)))
  return [...scanner.found()].sort()
}

describe('a reference is found', () => {
  test.each([
    ['in a path', `/nix/store/${A}-x`, [A]],
    ['alone', A, [A]],
    ['at the end', `\xff\xff${A}`, [A]],
    ['between digits', `zzzz${A}zzzz`, [A]],
    ['right behind another', `${A}${B}`, [A, B]],
    ['twice, once', `${A} ${A}`, [A]],
    ['behind one that begins in the same way', `0c0shqn0${A}`, [A]],
    ['behind a long run of digits', `${'0'.repeat(1000)}${A}`, [A]],
    ['not with a byte changed', `0c0shqn0wxsigmb6l7i4lkdg1mx6vlqq`, []],
    ['not in capitals', A.toUpperCase(), []],
    ['not with a byte in its middle', `${A.slice(0, 16)}\0${A.slice(16)}`, []],
    ['not when it is cut short', A.slice(1), []],
    ['not in nothing', '', []],
  ])('%s, in pieces of any size', (_, text, found) => {
    for (const pieces of [Infinity, 1, 5, 31, 32, 33, 64]) expect(scan(text, pieces)).toEqual(found)
  })

  test('wherever it is, whatever is around it', () => {
    const around = fc.oneof(
      fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      fc.string({ unit: fc.constantFrom('0', 'c', 'z', 'e', '/'), maxLength: 80 }),
    )
    const parts = fc.array(fc.oneof(around, fc.constantFrom(A, B)), { maxLength: 6 })
    fc.assert(
      fc.property(parts, fc.integer({ min: 1, max: 100 }), (parts, pieces) => {
        const text = parts.join('')
        expect(scan(text, pieces)).toEqual([A, B, ABSENT].filter((part) => text.includes(part)))
      }),
      { numRuns: 500 },
    )
  })
})

test.each(['', 'x', `${A}-x`, A.toUpperCase(), `e${A.slice(1)}`])('%j is no hash part', (part) => {
  expect(() => new ReferenceScanner([part])).toThrow('32 digits of nix32')
})
