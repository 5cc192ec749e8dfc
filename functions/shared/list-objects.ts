import { ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import type { Bucket } from './objects.ts'

export interface ListedObject {
  key: string
  /** bytes */
  size: number
  modified: Date
  etag: string
}

/**
 * Every object of a bucket whose key begins with a prefix, in the order of their keys. One page of 1,000 is fetched ahead; nothing else is kept.
 * @param delimiter leaves out keys in which it follows the prefix somewhere
 */
export async function* listObjects(
  bucket: Bucket,
  prefix = '',
  delimiter?: string,
): AsyncGenerator<ListedObject> {
  const page = (token?: string): Promise<ListObjectsV2CommandOutput> =>
    bucket.s3.send(
      new ListObjectsV2Command({
        Bucket: bucket.name,
        Prefix: prefix,
        Delimiter: delimiter,
        ContinuationToken: token,
      }),
    )
  let next: Promise<ListObjectsV2CommandOutput> | undefined = page()
  while (next !== undefined) {
    const { Contents = [], NextContinuationToken: token }: ListObjectsV2CommandOutput = await next
    next = token === undefined ? undefined : page(token)
    // who awaits it may be long in coming
    next?.catch(() => undefined)
    for (const { Key = '', Size = 0, LastModified = new Date(0), ETag = '' } of Contents)
      yield { key: Key, size: Size, modified: LastModified, etag: ETag }
  }
}
