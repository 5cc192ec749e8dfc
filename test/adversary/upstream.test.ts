import type { ServerResponse } from 'node:http'
import type * as timers from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import { fingerprint, formatNarInfo, type NarInfo } from '../../nix/narinfo.ts'
import { formatPublicKey, generateSecretKey, publicKeyOf, sign } from '../../nix/signature.ts'
import { hashPartOf } from '../../nix/store-path.ts'
import { stagedOutput } from '../local/publish/staged-output.ts'
import { expectSound, keysOf } from '../local/publish/visible.ts'
import { out } from '../local/publish/world.ts'
import { worldsForThisFile } from '../local/publish/world-of-this-file.ts'
import { serve } from '../unit/functions/http-server.ts'
import { UNRELATED } from './victim.ts'

/*
 * The attacker is an upstream cache, or whoever stands between it and us: it answers what it likes, and does not have the upstream's key. `app`
 * needs glibc, which only that upstream has: a lie would make us publish a path whose closure no client gets.
 */
const newWorld = worldsForThisFile()

// Without the waits between two attempts, which are seconds in all.
vi.mock('node:timers/promises', async (original) => ({
  ...(await original<typeof timers>()),
  setTimeout: async () => undefined,
}))

const GLIBC = { text: 'the C library' }
const key = generateSecretKey('upstream-1')
const sameName = generateSecretKey('upstream-1')
const otherName = generateSecretKey('evil-1')
const signedBy = (info: NarInfo, by = key): NarInfo => ({
  ...info,
  signatures: [sign(fingerprint(info), by)],
})

type Answer = (response: ServerResponse, honest: NarInfo) => void
const says =
  (change: (honest: NarInfo) => NarInfo | string, headers: Record<string, string> = {}): Answer =>
  (response, honest) => {
    const said = change(honest)
    response.writeHead(200, headers).end(typeof said === 'string' ? said : formatNarInfo(said))
  }

/** `app`, built on the honest glibc; the upstream answers like this for every narinfo. */
async function publishOn(answer: Answer): Promise<{ outcome: string; visible: string[]; keys: string[] }> {
  const world = newWorld({ app: { needs: ['glibc'] }, glibc: {} })
  const { info } = await stagedOutput(out('glibc'), GLIBC)
  const url = await serve((_, response) => answer(response, info))
  world.upstreams.push({ url, publicKeys: [formatPublicKey(publicKeyOf(key))] })
  await world.built(
    'app',
    { out: { text: `see ${out('glibc')}`, references: [out('glibc')] } },
    { inputs: { [out('glibc')]: info.narHash } },
  )
  const outcome = await world.outcomes(['app']).then(
    ({ app = '' }) => app,
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  )
  return { outcome, visible: await expectSound(world, [out('glibc')]), keys: await keysOf(world.cache) }
}

test('an honest upstream is believed', async () => {
  const { outcome, visible } = await publishOn(says((info) => signedBy(info)))
  expect({ outcome, visible }).toEqual({ outcome: 'published', visible: [out('app')] })
})

const missing = 'refused: InputNotPublished'
describe('an upstream that lies', () => {
  const lines: [attack: string, answer: Answer, refusal: string][] = [
    ['a narinfo without a signature', says((info) => info), missing],
    ['signed with another key of the same name', says((info) => signedBy(info, sameName)), missing],
    ['signed with a key that nobody declared', says((info) => signedBy(info, otherName)), missing],
    [
      'the right signature under another name',
      says((info) => {
        const [signature = ''] = signedBy(info).signatures
        return { ...info, signatures: [signature.replace('upstream-1', 'evil-1')] }
      }),
      missing,
    ],
    [
      'a signature in other letters',
      says((info) => ({ ...info, signatures: [`${signedBy(info).signatures[0]}=`] })),
      missing,
    ],
    [
      'about another path, and signed for it',
      says((info) => signedBy({ ...info, storePath: UNRELATED })),
      missing,
    ],
    [
      'about the same hash under another name, and signed for it',
      says((info) => signedBy({ ...info, storePath: `${info.storePath}-evil` as NarInfo['storePath'] })),
      missing,
    ],
    [
      'a signature over other bytes',
      says((info) => ({ ...signedBy(info), narHash: `sha256:${'0'.repeat(52)}` })),
      missing,
    ],
    ['a signature over another size', says((info) => ({ ...signedBy(info), narSize: 1000 })), missing],
    [
      'a signature over other references',
      says((info) => ({ ...signedBy(info), references: [UNRELATED] })),
      missing,
    ],
    [
      'a content address instead of a signature',
      says((info) => ({ ...info, ca: `fixed:r:${info.narHash}` })),
      missing,
    ],
    [
      'other bytes than the builder had, and signed',
      says((info) => signedBy({ ...info, narHash: `sha256:${'0'.repeat(52)}` })),
      'refused: InputDiffers',
    ],
    ['a closure that is nowhere', says((info) => signedBy({ ...info, references: [UNRELATED] })), missing],
    ['that it has nothing', (response) => response.writeHead(404).end(), missing],
    ['that nobody may read it', (response) => response.writeHead(403).end(), missing],
  ]
  test.each(lines)('%s', async (_, answer, refusal) => {
    expect(await publishOn(answer)).toEqual({ outcome: refusal, visible: [], keys: [] })
  })
})

describe('an upstream that does not answer is no answer: nothing is decided', () => {
  const lines: [attack: string, answer: Answer][] = [
    ['a web page', says(() => '<html>\n')],
    ['two narinfos in one', says((info) => formatNarInfo(signedBy(info)).repeat(2))],
    ['half a narinfo', says((info) => formatNarInfo(signedBy(info)).slice(0, -30))],
    ['an error', (response) => response.writeHead(500).end()],
    ['a connection that ends', (response) => response.destroy()],
    ['100 MB of narinfo', says((info) => formatNarInfo(info).padEnd(100 * 2 ** 20, 'x'))],
    [
      '1 GB of narinfo out of 1 MB',
      (response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(2 ** 30)))
      },
    ],
    [
      'a redirect to itself',
      (response) => response.writeHead(302, { location: `/${hashPartOf(UNRELATED)}.narinfo` }).end(),
    ],
    ['a redirect to a file', (response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end()],
  ]
  test.each(lines)('%s', async (_, answer) => {
    expect(await publishOn(answer)).toEqual({ outcome: 'UpstreamUnavailable', visible: [], keys: [] })
  })

  test('a narinfo of 64 MiB is not read to its end', async () => {
    const [MIB, sent] = [2 ** 20, { bytes: 0 }]
    const large: Answer = (response) => {
      const line = 'X: y\n'.repeat(10_000)
      const write = (): void => {
        while (sent.bytes < 64 * MIB && !response.destroyed) {
          sent.bytes += line.length
          if (!response.write(line)) return
        }
        response.end()
      }
      response.writeHead(200).on('drain', write)
      write()
    }
    expect((await publishOn(large)).outcome).toBe('UpstreamUnavailable')
    // what three tries read, and what the sockets hold
    expect(sent.bytes).toBeLessThan(32 * MIB)
  })
})
