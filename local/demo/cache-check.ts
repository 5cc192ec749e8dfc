import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import { fingerprint, type NarInfo, parseNarInfo } from '../../nix/narinfo.ts'
import { parsePublicKey, verify } from '../../nix/signature.ts'
import { hashPartOf, type StorePath } from '../../nix/store-path.ts'

/** What is wrong with a cache bucket, as a client with these keys would find. */
export interface CacheFaults {
  paths: number
  unsigned: StorePath[]
  withoutNar: StorePath[]
  /** paths whose reference is neither here nor in the upstream */
  incomplete: StorePath[]
}

/** Looks at every narinfo of the bucket: signed by our key, its NAR there with its size, its references here or upstream. */
export async function checkCache(
  s3: S3Client,
  bucket: string,
  publicKey: string,
  upstream: string,
): Promise<CacheFaults> {
  const narinfos = await readNarInfos(s3, bucket)
  const present = new Set(narinfos.map(({ storePath }) => storePath))
  const key = parsePublicKey(publicKey)
  const faults: CacheFaults = { paths: narinfos.length, unsigned: [], withoutNar: [], incomplete: [] }
  for (const info of narinfos) {
    if (!info.signatures.some((signature) => verify(fingerprint(info), signature, [key]) !== undefined))
      faults.unsigned.push(info.storePath)
    if ((await sizeOf(s3, bucket, info.url)) !== info.fileSize) faults.withoutNar.push(info.storePath)
    for (const reference of info.references)
      if (!present.has(reference) && !(await isUpstream(upstream, reference)))
        faults.incomplete.push(info.storePath)
  }
  return faults
}

async function readNarInfos(s3: S3Client, bucket: string): Promise<NarInfo[]> {
  const keys: string[] = []
  let token: string | undefined
  do {
    const page = await s3.send(new ListObjectsV2Command({ Bucket: bucket, ContinuationToken: token }))
    keys.push(...(page.Contents ?? []).flatMap(({ Key = '' }) => (Key.endsWith('.narinfo') ? [Key] : [])))
    token = page.NextContinuationToken
  } while (token !== undefined)
  return Promise.all(
    keys.map(async (Key) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
      return parseNarInfo((await Body?.transformToString()) ?? '')
    }),
  )
}

async function sizeOf(s3: S3Client, bucket: string, key: string): Promise<number | undefined> {
  const { ContentLength } = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))
  return ContentLength
}

async function isUpstream(upstream: string, path: StorePath): Promise<boolean> {
  const response = await fetch(`${upstream}/${hashPartOf(path)}.narinfo`)
  await response.body?.cancel()
  return response.ok
}
