import { PutObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3'
import { GetCallerIdentityCommand, type STSClient } from '@aws-sdk/client-sts'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MachineId } from '../../functions/shared/contract.ts'
import { HearthError } from '../../functions/shared/errors.ts'
import { MissingSetting } from './errors.ts'
import { stageInParts } from './stage-in-parts.ts'

/** Where a job's results go: a prefix of the staging bucket, which it can only add to. */
export interface Staging {
  s3: S3Client
  bucket: string
  /** begins with `staging/<aws:userid>/` */
  prefix: string
}

/** A file on disk that is to be staged. */
export interface StagedFile {
  path: string
  bytes: number
  /** SHA-256 of the file; S3 checks it */
  sha256: Uint8Array
}

/** What a reader of the object is told about it. */
export interface ContentHeaders {
  type: string
  encoding?: string
}

/** Who runs this: its role allows nothing but what has this name. */
export async function whoAmI(sts: STSClient): Promise<MachineId> {
  const { UserId } = await sts.send(new GetCallerIdentityCommand({}))
  if (UserId === undefined) throw new MissingSetting('STS does not say who this builder is (no UserId)')
  return UserId
}

/** Stages a small object. */
export async function stageBytes(
  staging: Staging,
  key: string,
  bytes: Uint8Array,
  content: ContentHeaders,
): Promise<void> {
  await createOnce(staging, key, content, { Body: bytes, ContentLength: bytes.length })
}

// 5 GiB, the most that one PutObject takes. Source: Amazon S3 user guide, "Uploading objects".
const LARGEST_OBJECT = 5 * 1024 ** 3

// 20 tries, 1 s doubling up to 15 s: 4 minutes, as the client has for everything but a stream, which it cannot read twice.
const STREAM_TRIES = 20
const FIRST_PAUSE_MILLISECONDS = 1000
const LONGEST_PAUSE_MILLISECONDS = 15_000

// 8 MiB: below it the SDK may hold the content, and repeats the upload by itself.
const SMALL_FILE = 8 * 1024 ** 2

/** Stages a file; a large one is not read into memory. */
export async function stageFile(
  staging: Staging,
  key: string,
  file: StagedFile,
  content: ContentHeaders,
): Promise<void> {
  if (file.bytes > LARGEST_OBJECT)
    return keepFirst(async () => stageInParts(staging, key, file, content, again))
  const known = { ContentLength: file.bytes, ChecksumSHA256: Buffer.from(file.sha256).toString('base64') }
  if (file.bytes <= SMALL_FILE) {
    return createOnce(staging, key, content, { Body: await readFile(file.path), ...known })
  }
  return again(async () => createOnce(staging, key, content, { Body: createReadStream(file.path), ...known }))
}

/** Sends a request with a stream, which the SDK does not repeat, again when it may succeed then. */
async function again<Answer>(send: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send()
    } catch (error) {
      if (attempt === STREAM_TRIES || !mayPass(error)) throw error
      await sleep(Math.min(FIRST_PAUSE_MILLISECONDS * 2 ** (attempt - 1), LONGEST_PAUSE_MILLISECONDS))
    }
  }
}

type Upload = Pick<
  ConstructorParameters<typeof PutObjectCommand>[0],
  'Body' | 'ContentLength' | 'ChecksumSHA256'
>

async function createOnce(
  { s3, bucket }: Staging,
  key: string,
  { type, encoding }: ContentHeaders,
  upload: Upload,
): Promise<void> {
  const put = new PutObjectCommand({
    Bucket: bucket,
    Key: key,
    IfNoneMatch: '*',
    ContentType: type,
    ...(encoding === undefined ? {} : { ContentEncoding: encoding }),
    ...upload,
  })
  await keepFirst(async () => s3.send(put))
}

/**
 * Creates an object. One that is there already is kept: only this build writes below its prefix, so it is either the same content under the same
 * hash, or this very upload, repeated after its answer was lost.
 */
async function keepFirst(create: () => Promise<unknown>): Promise<void> {
  try {
    await create()
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412) return
    throw error
  }
}

/** Whether an upload that failed may succeed if it is repeated: no answer, a busy server, or two writers at once (409). */
export function mayPass(error: unknown): boolean {
  // ours: the batch was given up
  if (error instanceof HearthError) return error.retryable
  if (!(error instanceof S3ServiceException)) return true
  const status = error.$metadata.httpStatusCode ?? 0
  return status >= 500 || status === 429 || status === 409
}
