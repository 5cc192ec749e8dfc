import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import type { SyntheticCache } from './synthetic-cache.ts'

/**
 * Calls back after every deletion that this client makes in a bucket, before the client hears of it. They are made one after the other, so that what
 * is called finds the bucket as that deletion left it.
 */
export function watchDeletions(
  client: S3Client,
  bucket: string,
  deleted: (key: string) => Promise<void>,
): S3Client {
  const oneByOne = pLimit(1)
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const { Bucket, Key = '' } = args.input as { Bucket?: string; Key?: string }
      if (context.commandName !== 'DeleteObjectCommand' || Bucket !== bucket) return next(args)
      return oneByOne(async () => {
        const answer = await next(args)
        await deleted(Key)
        return answer
      })
    },
    { step: 'initialize' },
  )
  return client
}

/**
 * The narinfos that clients see whose closure they do not get, found without any of the code under test: by the lines of the narinfos.
 */
export async function incompleteNarInfos({ cache, upstreamNarInfos }: SyntheticCache): Promise<string[]> {
  const { Contents = [] } = await cache.s3.send(new ListObjectsV2Command({ Bucket: cache.name }))
  const keys = Contents.map(({ Key = '' }) => Key).filter((key) => key.endsWith('.narinfo'))
  const references = new Map<string, string[]>()
  for (const key of keys) {
    const { Body } = await cache.s3.send(new GetObjectCommand({ Bucket: cache.name, Key: key }))
    const line = /^References: (.*)$/m.exec((await Body?.transformToString()) ?? '')?.[1] ?? ''
    references.set(key.slice(0, 32), line === '' ? [] : line.split(' ').map((base) => base.slice(0, 32)))
  }
  const isThere = (hash: string): boolean => references.has(hash) || upstreamNarInfos.has(hash)
  // a reference's own references are its own matter: it is looked at, too
  return [...references].flatMap(([hash, list]) => (list.every(isThere) ? [] : [`${hash}.narinfo`]))
}
