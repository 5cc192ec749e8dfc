import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { AwsChunkedDecoder } from '../../../local/s3/aws-chunked.ts'

/** The key, date and signatures of the examples in the S3 API reference, "Transferring payload in multiple chunks". */
function exampleSigner(signature: string): ConstructorParameters<typeof AwsChunkedDecoder>[0] {
  const key = ['20130524', 'us-east-1', 's3', 'aws4_request'].reduce(
    (key: string | Buffer, data) => createHmac('sha256', key).update(data).digest(),
    'AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  )
  return {
    timestamp: '20130524T000000Z',
    scope: '20130524/us-east-1/s3/aws4_request',
    signature,
    sign: (text) => createHmac('sha256', key).update(text).digest('hex'),
  }
}

const SEED = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9'
const SIGNED = [
  `10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n${'a'.repeat(65536)}\r\n`,
  `400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n${'a'.repeat(1024)}\r\n`,
  '0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n',
].join('')

const TRAILER_SEED = '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e'
const SIGNED_WITH_TRAILER = [
  `10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n${'a'.repeat(65536)}\r\n`,
  `400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n${'a'.repeat(1024)}\r\n`,
  '0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n',
  'x-amz-checksum-crc32c:sOO8/Q==\r\n',
  'x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n',
].join('')

const UNSIGNED = 'b\r\nhello world\r\n5\r\n, you\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n'

function decode(decoder: AwsChunkedDecoder, body: string, step: number): string {
  const bytes = Buffer.from(body)
  const pieces: Buffer[] = []
  for (let start = 0; start < bytes.length; start += step) {
    pieces.push(...decoder.push(bytes.subarray(start, start + step)))
  }
  decoder.end()
  return Buffer.concat(pieces).toString()
}

describe('bodies are decoded however the network cuts them', () => {
  test.each([1, 2, 3, 7, 100_000])('unsigned, in pieces of %i bytes', (step) => {
    const decoder = new AwsChunkedDecoder(undefined)
    expect(decode(decoder, UNSIGNED, step)).toBe('hello world, you')
    expect(decoder.trailers).toEqual(new Map([['x-amz-checksum-crc32', 'AAAAAA==']]))
  })

  test.each([1000, 65536, 100_000])("signed, AWS's example in pieces of %i bytes", (step) => {
    expect(decode(new AwsChunkedDecoder(exampleSigner(SEED)), SIGNED, step)).toBe('a'.repeat(66560))
  })

  test("signed with a trailer, AWS's example", () => {
    const decoder = new AwsChunkedDecoder(exampleSigner(TRAILER_SEED))
    expect(decode(decoder, SIGNED_WITH_TRAILER, 1000)).toBe('a'.repeat(66560))
    expect(decoder.trailers.get('x-amz-checksum-crc32c')).toBe('sOO8/Q==')
  })

  test('an empty body', () => {
    expect(decode(new AwsChunkedDecoder(undefined), '0\r\n\r\n', 1)).toBe('')
  })
})

const signed = (body: string): string => decode(new AwsChunkedDecoder(exampleSigner(SEED)), body, 1000)
const trailer = (body: string): string =>
  decode(new AwsChunkedDecoder(exampleSigner(TRAILER_SEED)), body, 1000)
const unsigned = (body: string): string => decode(new AwsChunkedDecoder(undefined), body, 1000)

describe('what was altered or cut is refused', () => {
  test.each<[string, () => string, object]>([
    [
      'another byte in a chunk',
      () => signed(SIGNED.replace('\r\na', '\r\nb')),
      { name: 'SignatureDoesNotMatch' },
    ],
    [
      'another last byte',
      () => signed(SIGNED.replace(/a\r\n0;/, 'b\r\n0;')),
      { name: 'SignatureDoesNotMatch' },
    ],
    [
      'another seed',
      () => decode(new AwsChunkedDecoder(exampleSigner(TRAILER_SEED)), SIGNED, 1000),
      { name: 'SignatureDoesNotMatch' },
    ],
    ['chunks without signatures', () => signed(UNSIGNED), { name: 'SignatureDoesNotMatch' }],
    [
      'another checksum in the trailer',
      () => trailer(SIGNED_WITH_TRAILER.replace('sOO8', 'sOO9')),
      { name: 'SignatureDoesNotMatch' },
    ],
    [
      'a trailer without its signature',
      () => trailer(SIGNED_WITH_TRAILER.replace(/x-amz-trailer-signature.*\r\n/, '')),
      { name: 'SignatureDoesNotMatch' },
    ],
    ['no last chunk', () => unsigned('5\r\nhello\r\n'), { code: 'IncompleteBody' }],
    ['a chunk that is cut', () => unsigned('5\r\nhel'), { code: 'IncompleteBody' }],
    ['nothing at all', () => unsigned(''), { code: 'IncompleteBody' }],
    ['a chunk longer than its size', () => unsigned('2\r\nhello\r\n0\r\n\r\n'), { code: 'InvalidRequest' }],
    ['a size that is no number', () => unsigned('hello\r\n'), { code: 'InvalidRequest' }],
    ['bytes behind the end', () => unsigned('0\r\n\r\nmore'), { code: 'InvalidRequest' }],
    ['a line without end', () => unsigned('1'.repeat(9000)), { code: 'InvalidRequest' }],
    ['a trailer without a colon', () => unsigned('0\r\nnonsense\r\n\r\n'), { code: 'InvalidRequest' }],
  ])('%s', (_, decoding, error) => {
    expect(decoding).toThrow(expect.objectContaining(error))
  })
})
