import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { mockClient } from 'aws-sdk-client-mock'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Bridge, requestedKey, startBridge } from '../../../builders/bridge.ts'

const HASH = 'zx6jl2q0n9ih7ljhkz1vycapn661c7sz'
const FILE_HASH = '0ygssxjgn0n9dvljkqzbdsbflazaw9fywnr3cwjhww16kd8k6yrf'

describe('a path is a key of the cache, or nothing', () => {
  test.each([
    ['/nix-cache-info', 'nix-cache-info'],
    [`/${HASH}.narinfo`, `${HASH}.narinfo`],
    [`/${HASH}.narinfo?x=1`, `${HASH}.narinfo`],
    [`/${HASH}.ls`, `${HASH}.ls`],
    [`/nar/${FILE_HASH}.nar.zst`, `nar/${FILE_HASH}.nar.zst`],
    [`/nar/${FILE_HASH}.nar`, `nar/${FILE_HASH}.nar`],
    [`/log/${HASH}-gtk%2B-3.0.drv`, `log/${HASH}-gtk+-3.0.drv`],
    ['/', undefined],
    ['', undefined],
    [`/${HASH}.narinfo/..`, undefined],
    [`/nar/../${HASH}.narinfo`, undefined],
    [`/nar/%2e%2e/${HASH}.narinfo`, undefined],
    [`//${HASH}.narinfo`, undefined],
    [`/${HASH.replace('z', 'e')}.narinfo`, undefined],
    [`/${HASH}-name.narinfo`, undefined],
    ['/staging/secret', undefined],
    [`/log/${HASH}-a/b.drv`, undefined],
    ['/%', undefined],
    [`/${HASH}.narinfo%0a`, undefined],
  ])('%s -> %s', (path, key) => expect(requestedKey(path)).toBe(key))
})

const s3 = mockClient(S3Client)
let bridge: Bridge

beforeAll(async () => {
  bridge = await startBridge({ s3: new S3Client({}), bucket: 'cache' })
})
afterAll(async () => bridge.close())
beforeEach(() => s3.reset())

interface Answer {
  status: number | undefined
  headers: Record<string, unknown>
  body: string
}

async function ask(method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request(bridge.url + path, { method, headers }, (response) => {
      text(response).then(
        (body) => resolve({ status: response.statusCode, headers: response.headers, body }),
        reject,
      )
    })
    asking.on('error', reject)
    asking.end()
  })
}

function body(content: string): NonNullable<GetObjectCommandOutput['Body']> {
  return Object.assign(Readable.from([Buffer.from(content)]), {
    transformToString: async () => content,
    transformToByteArray: async () => new TextEncoder().encode(content),
    transformToWebStream: () => new ReadableStream(),
  })
}

function refusal(name: string, status: number): S3ServiceException {
  return new S3ServiceException({
    name,
    message: name,
    $fault: 'client',
    $metadata: { httpStatusCode: status },
  })
}

describe('what Nix gets', () => {
  test('an object, with its type, its encoding and its size', async () => {
    s3.on(GetObjectCommand, { Bucket: 'cache', Key: `log/${HASH}-x.drv` }).resolves({
      Body: body('a log'),
      ContentLength: 5,
      ContentType: 'text/plain; charset=utf-8',
      ContentEncoding: 'br',
    })
    const answer = await ask('GET', `/log/${HASH}-x.drv`)
    expect(answer).toMatchObject({
      status: 200,
      body: 'a log',
      headers: {
        'content-length': '5',
        'content-type': 'text/plain; charset=utf-8',
        'content-encoding': 'br',
      },
    })
  })

  test('for HEAD the same without a body, and without reading the object', async () => {
    s3.on(HeadObjectCommand).resolves({ ContentLength: 7, ContentType: 'application/x-nix-nar' })
    const answer = await ask('HEAD', `/nar/${FILE_HASH}.nar.zst`)
    expect(answer).toMatchObject({ status: 200, body: '', headers: { 'content-length': '7' } })
    expect(s3.commandCalls(GetObjectCommand)).toHaveLength(0)
  })

  test.each([
    ['404, which makes it look elsewhere', 'NoSuchKey', 404, 404, 'does not exist'],
    ['403, and which permissions lack', 'AccessDenied', 403, 403, 's3:ListBucket'],
    ['503, which makes it try again', 'SlowDown', 503, 503, 'SlowDown'],
    ['502 for what is S3’s own complaint', 'InvalidAccessKeyId', 400, 502, 'InvalidAccessKeyId'],
  ])('%s', async (_, name, status, expected, said) => {
    s3.on(GetObjectCommand).rejects(refusal(name, status))
    const answer = await ask('GET', `/${HASH}.narinfo`)
    expect(answer.status).toBe(expected)
    expect(answer.body).toContain(said)
  })

  test('502 when S3 cannot be reached', async () => {
    s3.on(GetObjectCommand).rejects(new Error('connect ECONNREFUSED'))
    expect(await ask('GET', `/${HASH}.narinfo`)).toMatchObject({ status: 502 })
  })

  test.each(['PUT', 'POST', 'DELETE'])('405 for %s: the cache is read-only', async (method) => {
    expect(await ask(method, '/nix-cache-info')).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
    })
    expect(s3.calls()).toHaveLength(0)
  })

  test('404 for what no cache has, without asking S3', async () => {
    expect(await ask('GET', '/runs/secret.json')).toMatchObject({ status: 404 })
    expect(s3.calls()).toHaveLength(0)
  })

  test('421 for a web page whose name resolves to 127.0.0.1', async () => {
    expect(await ask('GET', '/nix-cache-info', { Host: 'evil.example' })).toMatchObject({ status: 421 })
    expect(s3.calls()).toHaveLength(0)
  })
})
