import { expect, test } from 'vitest'
import { RequestSigner } from '../../../../functions/shared/sign-request.ts'

// Source: Amazon S3 API reference, "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk", example "PUT Object".
const CREDENTIALS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const NOW = new Date('2013-05-24T00:00:00Z')
const PUT = {
  method: 'PUT',
  path: '/test%24file.text',
  headers: {
    host: 'examplebucket.s3.amazonaws.com',
    date: 'Fri, 24 May 2013 00:00:00 GMT',
    'x-amz-storage-class': 'REDUCED_REDUNDANCY',
  },
  payloadHash: '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
}
const SIGNATURE = '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd'

test('a request is signed as in the example of the S3 documentation', () => {
  expect(new RequestSigner('us-east-1').sign(PUT, CREDENTIALS, NOW)).toEqual({
    ...PUT.headers,
    'x-amz-date': '20130524T000000Z',
    'x-amz-content-sha256': PUT.payloadHash,
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, ' +
      `SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, Signature=${SIGNATURE}`,
  })
})

test('the key that is kept is that of the day and of the secret', () => {
  const signer = new RequestSigner('us-east-1')
  const others = [
    signer.sign(PUT, CREDENTIALS, new Date('2013-05-25T00:00:00Z')),
    signer.sign(PUT, { ...CREDENTIALS, secretAccessKey: 'other' }, NOW),
  ]
  for (const { authorization } of others) expect(authorization).not.toContain(SIGNATURE)
  expect(signer.sign(PUT, CREDENTIALS, NOW)['authorization']).toContain(SIGNATURE)
})

test('a session’s token is sent, and signed', () => {
  const signed = new RequestSigner('us-east-1').sign(PUT, { ...CREDENTIALS, sessionToken: 'token' }, NOW)
  expect(signed['x-amz-security-token']).toBe('token')
  expect(signed['authorization']).toContain('x-amz-security-token;x-amz-storage-class,')
})
