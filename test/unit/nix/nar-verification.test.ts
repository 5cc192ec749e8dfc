import { describe, expect, test } from 'vitest'
import { InvalidNar } from '../../../nix/nar-reader.ts'
import { NarTooLarge, verifyNar } from '../../../nix/nar-verification.ts'
import { parseStorePath } from '../../../nix/store-path.ts'
import { narBytes } from './nar-tree.ts'

const SELF = parseStorePath('/nix/store/0c0shqn0wxsigmb6l7i4lkdg1mx6vlqp-self')
const LIBC = parseStorePath('/nix/store/1a1nfp9zjcwp8ag2j2m3wm9xkf4kfw6z-libc')
const OTHER = parseStorePath('/nix/store/2b2s0rl1n5k3dq3cwm4r8zh7l5kp5xpx-other')

const CONTENTS = Buffer.from(`${LIBC} ${SELF}`)
const NAR = narBytes('nix-archive-1', '(', 'type', 'regular', 'contents', CONTENTS.length, CONTENTS, ')')

/** The bytes as a stream in pieces of 7. */
async function* stream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 7) yield await Promise.resolve(bytes.subarray(at, at + 7))
}

/** A stream that breaks off. */
async function* broken(): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(NAR.subarray(0, 8))
  throw new Error('connection lost')
}

describe('verifyNar', () => {
  test('gives hash, size and references of one pass', async () => {
    const contents: Uint8Array[] = []
    const visitor = { contents: (bytes: Uint8Array) => void contents.push(Buffer.from(bytes)) }
    const candidates = [OTHER, LIBC, SELF, LIBC]
    expect(await verifyNar(stream(NAR), { maxSize: NAR.length, candidates, visitor })).toEqual({
      // from `nix-hash --type sha256 --base32` of a file with these contents
      narHash: 'sha256:10vnv9fw53ii7hi5rr50j8wl4vmhks081dbwfj9zpa90x11wp6ib',
      narSize: 216,
      references: [SELF, LIBC],
    })
    expect(Buffer.concat(contents)).toEqual(CONTENTS)
  })

  test('stops at the first byte too many', async () => {
    let given = 0
    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const chunk of stream(NAR)) {
        given += chunk.length
        yield chunk
      }
    }
    await expect(verifyNar(counted(), { maxSize: 20, candidates: [] })).rejects.toThrow(NarTooLarge)
    expect(given).toBe(21)
  })

  test.each([
    ['cut short', NAR.subarray(0, -8)],
    ['with a byte behind it', Buffer.concat([NAR, Buffer.from([0])])],
    ['of nothing', Buffer.alloc(0)],
  ])('refuses a NAR %s', async (_, bytes) => {
    await expect(verifyNar(stream(bytes), { maxSize: 1e6, candidates: [] })).rejects.toThrow(InvalidNar)
  })

  test('passes on what the source throws', async () => {
    await expect(verifyNar(broken(), { maxSize: 1e6, candidates: [] })).rejects.toThrow('connection lost')
  })
})
