import { createHash } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { zipOf } from '../../../scripts/build/zip.ts'

const entries = [
  { name: 'builder.mjs', bytes: Buffer.from('export {}\n'), mode: 0o644 },
  { name: 'install-nix.sh', bytes: Buffer.from('#!/bin/sh\n'), mode: 0o755 },
]

describe("the builder's zip is named by its contents", () => {
  const zone = process.env['TZ']
  afterEach(() => {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  })

  test.each(['UTC', 'America/Los_Angeles', 'Asia/Tokyo'])('the same bytes in %s', async (zone) => {
    process.env['TZ'] = zone
    const hash = createHash('sha256').update(await zipOf(entries))
    expect(hash.digest('hex')).toBe('1dc9e412e5443697090b928ec02861cbecdd95e1fe5f03e83290d429c5deb181')
  })

  test('other bytes for other contents', async () => {
    const [first, ...rest] = entries
    const others = [
      { name: 'builder.mjs', bytes: Buffer.from('export { }'), mode: first?.mode ?? 0 },
      ...rest,
    ]
    expect((await zipOf(others)).equals(await zipOf(entries))).toBe(false)
  })

  test('the installer may be executed, the bundle need not', async () => {
    const zip = await zipOf(entries)
    // Central directory entries: the upper half of the external attributes at offset 38 is the Unix mode. Source: APPNOTE.TXT 4.3.12.
    const signature = Buffer.from([0x50, 0x4b, 0x01, 0x02])
    const first = zip.indexOf(signature)
    const second = zip.indexOf(signature, first + 4)
    const modes = [first, second].map((start) => (zip.readUInt32LE(start + 38) >>> 16).toString(8))
    expect(modes).toEqual(['100644', '100755'])
  })
})
