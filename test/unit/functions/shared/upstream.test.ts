import { describe, expect, test, vi } from 'vitest'
import type { Upstream } from '../../../../functions/shared/contract.ts'
import { findInUpstream } from '../../../../functions/shared/upstream.ts'
import { fingerprint, formatNarInfo, type NarInfo } from '../../../../nix/narinfo.ts'
import {
  formatPublicKey,
  generateSecretKey,
  publicKeyOf,
  type SecretKey,
  sign,
} from '../../../../nix/signature.ts'
import { hashPartOf } from '../../../../nix/store-path.ts'
import { storePath } from '../graphs.ts'
import { serve } from '../http-server.ts'

// Without the waits between two attempts, which are seconds in all.
vi.mock('node:timers/promises', () => ({ setTimeout: async () => undefined }))

const HELLO = storePath('hello')
const ours = generateSecretKey('upstream-1')
const sameNameOtherKey = generateSecretKey('upstream-1')
const otherName = generateSecretKey('elsewhere-1')

const unsigned: NarInfo = {
  storePath: HELLO,
  url: 'nar/hello.nar.xz',
  compression: 'xz',
  narHash: 'sha256:1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s',
  narSize: 226_560,
  references: [storePath('libc')],
  signatures: [],
}
const signed = (info: NarInfo, ...keys: SecretKey[]): NarInfo => ({
  ...info,
  signatures: keys.map((key) => sign(fingerprint(info), key)),
})

interface Answer {
  status: number
  body?: string
}

/** An upstream that gives these answers, one after the other, the last one for ever; and what it was asked. */
async function upstreamThat(...answers: Answer[]): Promise<{ upstream: Upstream; asked: string[] }> {
  const asked: string[] = []
  const url = await serve((request, response) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)]
    asked.push(`${request.method} ${request.url}`)
    response.writeHead(answer?.status ?? 500).end(answer?.body)
  })
  return { upstream: { url, publicKeys: [formatPublicKey(publicKeyOf(ours))] }, asked }
}

describe('a narinfo of an upstream counts when a client would take it', () => {
  const altered = { ...signed(unsigned, ours), narHash: `sha256:${'0'.repeat(52)}` }
  const fewer = { ...signed(unsigned, ours), references: [] }
  const found: [string, NarInfo][] = [
    ['signed with the declared key', signed(unsigned, ours)],
    ['signed with another key, too', signed(unsigned, otherName, ours)],
  ]
  const refused: [string, NarInfo][] = [
    ['unsigned', unsigned],
    ['signed with a key that is not declared', signed(unsigned, otherName)],
    ['signed with another key of the same name', signed(unsigned, sameNameOtherKey)],
    ['signed, and its NarHash altered afterwards', altered],
    ['signed, and a reference taken out afterwards', fewer],
    [
      'about another path with the same hash part',
      signed({ ...unsigned, storePath: `${HELLO.slice(0, -'hello'.length)}other` as typeof HELLO }, ours),
    ],
    ['about an altogether different path', signed({ ...unsigned, storePath: storePath('other') }, ours)],
  ]

  test.each(found)('%s', async (_, info) => {
    const { upstream, asked } = await upstreamThat({ status: 200, body: formatNarInfo(info) })
    expect(await findInUpstream(upstream, HELLO)).toEqual(info)
    expect(asked).toEqual([`GET /${hashPartOf(HELLO)}.narinfo`])
  })
  test.each(refused)('not: %s', async (_, info) => {
    const { upstream } = await upstreamThat({ status: 200, body: formatNarInfo(info) })
    expect(await findInUpstream(upstream, HELLO)).toBeUndefined()
  })

  test('under a URL with a path, as Cachix and S3 buckets have', async () => {
    const { upstream, asked } = await upstreamThat({ status: 404 })
    await findInUpstream({ ...upstream, url: `${upstream.url}/my/cache` }, HELLO)
    expect(asked).toEqual([`GET /my/cache/${hashPartOf(HELLO)}.narinfo`])
  })
})

describe('what an upstream does not have', () => {
  test.each([404, 403])('status %i, and it is asked once', async (status) => {
    const { upstream, asked } = await upstreamThat({ status })
    expect(await findInUpstream(upstream, HELLO)).toBeUndefined()
    expect(asked).toHaveLength(1)
  })
})

describe('an upstream that cannot be asked has not said no', () => {
  test.each([500, 502, 503, 429, 401])('status %i, three times', async (status) => {
    const { upstream, asked } = await upstreamThat({ status })
    await expect(findInUpstream(upstream, HELLO)).rejects.toMatchObject({
      name: 'UpstreamUnavailable',
      retryable: true,
      message: `${upstream.url}/${hashPartOf(HELLO)}.narinfo could not be asked 3 times in a row: status ${status}`,
    })
    expect(asked).toHaveLength(3)
  })

  test('it is asked again, and then has it', async () => {
    const good = { status: 200, body: formatNarInfo(signed(unsigned, ours)) }
    const { upstream } = await upstreamThat({ status: 503 }, { status: 500 }, good)
    expect(await findInUpstream(upstream, HELLO)).toMatchObject({ storePath: HELLO })
  })

  test('nobody listens', async () => {
    const upstream = { url: 'http://127.0.0.1:1', publicKeys: [] }
    await expect(findInUpstream(upstream, HELLO)).rejects.toMatchObject({ name: 'UpstreamUnavailable' })
  })

  test.each([
    ['a page of a captive portal', '<html>please log in</html>\n'],
    ['a narinfo that is cut short', formatNarInfo(unsigned).slice(0, 100)],
    ['nothing', ''],
  ])('%s instead of a narinfo', async (_, body) => {
    const { upstream } = await upstreamThat({ status: 200, body })
    await expect(findInUpstream(upstream, HELLO)).rejects.toMatchObject({
      name: 'UpstreamUnavailable',
      message: expect.stringContaining(`${upstream.url}/${hashPartOf(HELLO)}.narinfo`) as string,
    })
  })
})
