import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll } from 'vitest'
import type { S3Options } from '../../../local/s3/s3-service.ts'
import { startSignedServer, type SignedServer, type TestRole } from './signed-server.ts'

/** One server for all tests of a file, with these buckets; started before the first and gone after the last. */
export function serverForThisFile(
  buckets: string[],
  options: Omit<S3Options, 'folder'> & { roles?: Record<string, TestRole> } = {},
): { server: SignedServer; s3: S3Client } {
  const running: { server?: SignedServer; s3?: S3Client; folder?: string } = {}
  beforeAll(async () => {
    running.folder = mkdtempSync(join(tmpdir(), 'hearth-s3-'))
    running.server = await startSignedServer({ ...options, folder: running.folder })
    for (const bucket of buckets) running.server.createBucket(bucket)
    running.s3 = running.server.client()
  })
  afterAll(async () => {
    await running.server?.close()
    if (running.folder !== undefined) rmSync(running.folder, { recursive: true })
  })
  return {
    get server() {
      return started(running.server)
    },
    get s3() {
      return started(running.s3)
    },
  }
}

function started<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the server has not been started: use it within a test')
  return value
}
