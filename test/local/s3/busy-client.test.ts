import { PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { serverForThisFile } from './server-fixture.ts'

const running = serverForThisFile(['cache'])

test('a client that was too busy to ask for a while is answered: its connections are still open', async () => {
  const put = (Key: string) =>
    running.s3.send(new PutObjectCommand({ Bucket: 'cache', Key, Body: 'x', IfNoneMatch: '*' }))
  await put('before')
  // Nothing in this process runs for 7 seconds, as on a machine with too much to do. By itself Node closes what was idle for 5, and the client asks on a
  // connection that is gone.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 7000)
  await expect(put('after')).resolves.toBeDefined()
})
