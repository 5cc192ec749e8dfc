import { createHash } from 'node:crypto'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { checkPayloadHash } from '../../../local/gateway/sigv4-payload.ts'
import { isSigned, signatureOf, verifySignature, type Credential } from '../../../local/gateway/sigv4.ts'

/** A request as Node's HTTP parser would hand it over. */
function request(method: string, url: string, headers: [string, string][]): IncomingMessage {
  const message = new IncomingMessage(new Socket())
  message.method = method
  message.url = url
  message.rawHeaders = headers.flat()
  message.headers = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]))
  return message
}

const EMPTY = createHash('sha256').digest('hex')

/** The keys and the date of the "AWS Signature Version 4 test suite", which the signatures below come from. */
const suite = {
  keys: new Map<string, Credential>([
    ['AKIDEXAMPLE', { secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }],
  ]),
  now: new Date('2015-08-30T12:36:00Z'),
}

function suiteRequest(
  method: string,
  url: string,
  extra: [string, string][],
  signedHeaders: string,
  signature: string,
): IncomingMessage {
  return request(method, url, [
    ['Host', 'example.amazonaws.com'],
    ...extra,
    ['X-Amz-Date', '20150830T123600Z'],
    [
      'Authorization',
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${signedHeaders}, Signature=${signature}`,
    ],
  ])
}

const VANILLA = '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'

describe('signatures of the AWS Signature Version 4 test suite are accepted', () => {
  test.each<[string, string, string, [string, string][], string, string]>([
    ['get-vanilla', 'GET', '/', [], 'host;x-amz-date', VANILLA],
    ['get-relative', 'GET', '/example/..', [], 'host;x-amz-date', VANILLA],
    ['get-slashes', 'GET', '//', [], 'host;x-amz-date', VANILLA],
    [
      'get-vanilla-query-order-key-case',
      'GET',
      '/?Param2=value2&Param1=value1',
      [],
      'host;x-amz-date',
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      'get-vanilla-utf8-query',
      'GET',
      '/?%E1%88%B4=bar',
      [],
      'host;x-amz-date',
      '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04',
    ],
    [
      'get-header-value-trim',
      'GET',
      '/',
      [
        ['My-Header1', ' value1'],
        ['My-Header2', ' "a   b   c"'],
      ],
      'host;my-header1;my-header2;x-amz-date',
      'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
    ],
    [
      'post-vanilla',
      'POST',
      '/',
      [],
      'host;x-amz-date',
      '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    ],
  ])('%s', (_, method, url, extra, signedHeaders, signature) => {
    const signed = suiteRequest(method, url, extra, signedHeaders, signature)
    const result = verifySignature(signed, (id) => suite.keys.get(id), { now: suite.now, payloadHash: EMPTY })
    expect(result).toMatchObject({ accessKeyId: 'AKIDEXAMPLE', service: 'service', region: 'us-east-1' })
    expect(signatureOf(signed)).toBe(result)
  })
})

const s3Lookup = (id: string): Credential | undefined =>
  id === 'AKIAIOSFODNN7EXAMPLE' ? { secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' } : undefined

const authorization = (signedHeaders: string, signature: string): [string, string] => [
  'Authorization',
  `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=${signature}`,
]

describe('the examples of the S3 API reference are accepted', () => {
  const now = new Date('2013-05-24T00:00:00Z')
  const host: [string, string] = ['Host', 'examplebucket.s3.amazonaws.com']
  const date: [string, string] = ['x-amz-date', '20130524T000000Z']

  test.each<[string, IncomingMessage]>([
    [
      'GET object with a range',
      request('GET', '/test.txt', [
        host,
        date,
        ['Range', 'bytes=0-9'],
        ['x-amz-content-sha256', EMPTY],
        authorization(
          'host;range;x-amz-content-sha256;x-amz-date',
          'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
        ),
      ]),
    ],
    [
      'PUT object with a $ in its key',
      request('PUT', '/test%24file.text', [
        host,
        date,
        ['Date', 'Fri, 24 May 2013 00:00:00 GMT'],
        ['x-amz-storage-class', 'REDUCED_REDUNDANCY'],
        ['x-amz-content-sha256', '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072'],
        authorization(
          'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
          '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
        ),
      ]),
    ],
    [
      'GET bucket, list objects',
      request('GET', '/?max-keys=2&prefix=J', [
        host,
        date,
        ['x-amz-content-sha256', EMPTY],
        authorization(
          'host;x-amz-content-sha256;x-amz-date',
          '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
        ),
      ]),
    ],
    [
      'a presigned GET',
      request(
        'GET',
        '/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
        [host],
      ),
    ],
  ])('%s', (_, message) => {
    expect(isSigned(message)).toBe(true)
    expect(verifySignature(message, s3Lookup, { now }).service).toBe('s3')
  })
})

describe('everything else is refused by name', () => {
  const lookup = (id: string): Credential | undefined => suite.keys.get(id)
  const withPayload = { now: suite.now, payloadHash: EMPTY }
  const at = (time: string): { now: Date; payloadHash: string } => ({
    now: new Date(time),
    payloadHash: EMPTY,
  })
  const get = (extra: [string, string][] = [], signedHeaders = 'host;x-amz-date'): IncomingMessage =>
    suiteRequest('GET', '/', extra, signedHeaders, VANILLA)
  const presigned = (parameters: string): IncomingMessage =>
    request(
      'GET',
      `/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE/20150830/us-east-1/s3/aws4_request&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&X-Amz-Signature=${VANILLA}&${parameters}`,
      [['Host', 'example.amazonaws.com']],
    )

  test.each<[string, IncomingMessage, { now: Date; payloadHash?: string }, string]>([
    [
      'another path',
      suiteRequest('GET', '/x', [], 'host;x-amz-date', VANILLA),
      withPayload,
      'SignatureDoesNotMatch',
    ],
    [
      'another query',
      suiteRequest('GET', '/?x', [], 'host;x-amz-date', VANILLA),
      withPayload,
      'SignatureDoesNotMatch',
    ],
    [
      'another method',
      suiteRequest('PUT', '/', [], 'host;x-amz-date', VANILLA),
      withPayload,
      'SignatureDoesNotMatch',
    ],
    ['another body', get(), { now: suite.now, payloadHash: 'f'.repeat(64) }, 'SignatureDoesNotMatch'],
    [
      'a header added under the signature',
      get([['x-amz-acl', 'public-read']]),
      withPayload,
      'HeadersNotSigned',
    ],
    ['an unsigned host', get([], 'x-amz-date'), withPayload, 'HeadersNotSigned'],
    ['no body hash', get(), { now: suite.now }, 'MissingSecurityHeader'],
    ['16 minutes late', get(), at('2015-08-30T12:52:00Z'), 'RequestTimeTooSkewed'],
    ['16 minutes early', get(), at('2015-08-30T12:20:00Z'), 'RequestTimeTooSkewed'],
    [
      'a session token nobody gave',
      get([['x-amz-security-token', 'made up']], 'host;x-amz-date;x-amz-security-token'),
      withPayload,
      'InvalidToken',
    ],
    ['no signature at all', request('GET', '/', [['Host', 'x']]), withPayload, 'MissingSecurityHeader'],
    [
      'another scheme',
      request('GET', '/', [['Authorization', 'AWS AKID:sig']]),
      withPayload,
      'AuthorizationHeaderMalformed',
    ],
    [
      'a signature that is none',
      suiteRequest('GET', '/', [], 'host', 'short'),
      withPayload,
      'AuthorizationHeaderMalformed',
    ],
    [
      'a presigned request after its time',
      presigned('X-Amz-Expires=60'),
      at('2015-08-30T12:37:01Z'),
      'RequestExpired',
    ],
    [
      'a presigned request for more than a week',
      presigned('X-Amz-Expires=604801'),
      withPayload,
      'AuthorizationHeaderMalformed',
    ],
    [
      'a presigned request with another signature',
      presigned('X-Amz-Expires=60'),
      withPayload,
      'SignatureDoesNotMatch',
    ],
    [
      'an URL that is no UTF-8',
      suiteRequest('GET', '/?a=%FF', [], 'host;x-amz-date', VANILLA),
      withPayload,
      'AuthorizationHeaderMalformed',
    ],
  ])('%s', (_, message, options, name) => {
    expect(() => verifySignature(message, lookup, options)).toThrow(expect.objectContaining({ name }))
    expect(signatureOf(message)).toBeUndefined()
  })

  test('an unknown access key', () => {
    expect(() => verifySignature(get(), () => undefined, withPayload)).toThrow(
      expect.objectContaining({ name: 'InvalidAccessKeyId', status: 403 }),
    )
  })

  test('temporary credentials without their token', () => {
    const credential = { secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', sessionToken: 'token' }
    expect(() => verifySignature(get(), () => credential, withPayload)).toThrow(
      expect.objectContaining({ name: 'InvalidToken' }),
    )
  })
})

test('a body is compared with the hash that was signed, unless the signature promises nothing', () => {
  expect(() => checkPayloadHash(EMPTY, EMPTY)).not.toThrow()
  expect(() => checkPayloadHash('UNSIGNED-PAYLOAD', EMPTY)).not.toThrow()
  expect(() => checkPayloadHash('STREAMING-UNSIGNED-PAYLOAD-TRAILER', EMPTY)).not.toThrow()
  expect(() => checkPayloadHash('f'.repeat(64), EMPTY)).toThrow(
    expect.objectContaining({ name: 'XAmzContentSHA256Mismatch' }),
  )
})
