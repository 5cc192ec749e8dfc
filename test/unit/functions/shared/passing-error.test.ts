import { S3ServiceException } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { isPassing } from '../../../../functions/shared/passing-error.ts'

const answer = (name: string, httpStatusCode: number) =>
  new S3ServiceException({ name, message: name, $fault: 'server', $metadata: { httpStatusCode } })

test.each<[string, unknown, boolean]>([
  ['S3 asks to slow down', answer('SlowDown', 503), true],
  ['too many requests', answer('ThrottlingException', 429), true],
  ['an internal error', answer('InternalError', 500), true],
  ['a connection that broke', Object.assign(new Error('aborted'), { code: 'ECONNRESET' }), true],
  ['a time-out on the way', Object.assign(new Error('late'), { name: 'TimeoutError' }), true],
  ['what may not be done', answer('AccessDenied', 403), false],
  ['what is not there', answer('NoSuchKey', 404), false],
  ['a lost condition', answer('PreconditionFailed', 412), false],
  ['a file that is not there', Object.assign(new Error('gone'), { code: 'ENOENT' }), false],
  ['a bug', new TypeError('x is not a function'), false],
  ['no error at all', 'SlowDown', false],
])('%s', (_, error, passes) => {
  expect(isPassing(error)).toBe(passes)
})
