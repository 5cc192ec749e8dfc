import { HeadObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3'
import { cacheKeys, stagedKeys } from '../../functions/shared/keys.ts'
import { hashPartOf, type StorePath } from '../../nix/store-path.ts'
import { stagePath } from '../batch/stage-path.ts'
import { LocalStore } from '../machine/local-store.ts'
import { Parcels } from '../machine/parcels.ts'
import type { Workshop } from '../machine/workshop.ts'

/** What staging a flake's inputs needs beside the machine itself. */
export interface InputStaging extends Workshop {
  s3: S3Client
  cacheBucket: string
  zstdLevel: number
}

/**
 * Stages the sources of a flake's inputs that our cache does not have: no build refers to them, so no builder would. nixpkgs alone is 30 MB compressed, and the same for
 * months: what is there already is not read again. They lie below a prefix of their own, all that Publish may read of an evaluator.
 */
export async function stageInputs(paths: StorePath[], workshop: InputStaging): Promise<void> {
  const { s3, cacheBucket, staging, folder, zstdLevel, environment, say } = workshop
  const isPublished = await Promise.all(paths.map((path) => hasNarInfo(s3, cacheBucket, path)))
  const fresh = paths.filter((_, index) => isPublished[index] !== true)
  const ofInputs = { ...staging, prefix: stagedKeys.inputs(staging.prefix) }
  const parcels = new Parcels(ofInputs)
  for (const info of await new LocalStore(environment).infos(fresh)) {
    const { fileSize } = await stagePath(ofInputs, info, { parcels, folder: folder.path, zstdLevel })
    say(`staged the input ${info.path}, ${fileSize} bytes`)
  }
  parcels.close()
  await parcels.staged()
}

async function hasNarInfo(s3: S3Client, Bucket: string, path: StorePath): Promise<boolean> {
  try {
    await s3.send(new HeadObjectCommand({ Bucket, Key: cacheKeys.narinfo(hashPartOf(path)) }))
    return true
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return false
    throw error
  }
}
