import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectAclCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  SelectObjectContentCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { outcome } from './answers.ts'
import { serverForThisFile } from './server-fixture.ts'

const Bucket = 'cache'
const Key = 'a'
const fixture = serverForThisFile([Bucket], { anonymousRead: [Bucket] })

describe('what is not implemented is refused by name, not ignored', () => {
  test.each<[string, (s3: S3Client) => Promise<unknown>, string]>([
    ['ListObjects, version 1', (s3) => s3.send(new ListObjectsCommand({ Bucket })), 'GET on a bucket'],
    ['an ACL', (s3) => s3.send(new GetObjectAclCommand({ Bucket, Key })), 'query parameter acl of GetObject'],
    [
      'attributes',
      (s3) => s3.send(new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ['ETag'] })),
      'attributes',
    ],
    ['versions', (s3) => s3.send(new GetObjectCommand({ Bucket, Key, VersionId: '1' })), 'versionId'],
    [
      'a part of an object',
      (s3) => s3.send(new GetObjectCommand({ Bucket, Key, PartNumber: 1 })),
      'partNumber',
    ],
    ['versioning', (s3) => s3.send(new GetBucketVersioningCommand({ Bucket })), 'versioning'],
    [
      'lifecycle rules',
      (s3) =>
        s3.send(
          new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [] } }),
        ),
      'lifecycle',
    ],
    ['removing buckets', (s3) => s3.send(new DeleteBucketCommand({ Bucket })), 'DELETE on a bucket'],
    [
      'owners in lists',
      (s3) => s3.send(new ListObjectsV2Command({ Bucket, FetchOwner: true })),
      'fetch-owner',
    ],
    [
      'a canned ACL',
      (s3) => s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ACL: 'public-read' })),
      'x-amz-acl of PutObject',
    ],
    [
      'another storage class',
      (s3) => s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', StorageClass: 'GLACIER' })),
      'x-amz-storage-class: GLACIER',
    ],
    [
      'encryption by KMS',
      (s3) => s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ServerSideEncryption: 'aws:kms' })),
      'x-amz-server-side-encryption: aws:kms',
    ],
    [
      'appending',
      (s3) => s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', WriteOffsetBytes: 1 })),
      'x-amz-write-offset-bytes',
    ],
    [
      'object lock',
      (s3) => s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ObjectLockLegalHoldStatus: 'ON' })),
      'x-amz-object-lock-legal-hold',
    ],
    [
      'a delete by size',
      (s3) => s3.send(new DeleteObjectCommand({ Bucket, Key, IfMatchSize: 1 })),
      'x-amz-if-match-size',
    ],
    [
      'a delete of a version',
      (s3) => s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key, VersionId: '1' }] } })),
      'element VersionId',
    ],
    [
      'multipart with a checksum of the whole',
      (s3) =>
        s3.send(
          new CreateMultipartUploadCommand({
            Bucket,
            Key,
            ChecksumAlgorithm: 'CRC32',
            ChecksumType: 'FULL_OBJECT',
          }),
        ),
      'FULL_OBJECT',
    ],
    [
      'SELECT',
      (s3) =>
        s3.send(
          new SelectObjectContentCommand({
            Bucket,
            Key,
            Expression: 'x',
            ExpressionType: 'SQL',
            InputSerialization: {},
            OutputSerialization: {},
          }),
        ),
      'select',
    ],
  ])('%s', async (_, request, name) => {
    await expect(request(fixture.server.client())).rejects.toMatchObject({
      name: 'NotImplemented',
      message: expect.stringContaining(name),
      $metadata: { httpStatusCode: 501 },
    })
  })

  test.each(['/cache/a?torrent', '/cache?policy', '/cache?location', '/cache/a?legal-hold', '/?policy'])(
    '%s',
    async (path) => {
      const answer = await fetch(`${fixture.server.endpoint}${path}`)
      expect([answer.status, await answer.text()]).toEqual([
        501,
        expect.stringContaining('<Code>NotImplemented</Code>'),
      ])
    },
  )

  test.each(['if-match', 'range', 'x-amz-anything-new'])(
    'the header %s where it has no meaning',
    async (header) => {
      const answer = await fetch(`${fixture.server.endpoint}/cache?list-type=2`, {
        headers: { [header]: 'x' },
      })
      expect([answer.status, await answer.text()]).toEqual([
        501,
        expect.stringContaining(`the header ${header}`),
      ])
    },
  )
})

/** Sends this instead of the XML that the SDK made, with a checksum of it. */
function sending(xml: string): S3Client {
  const client = fixture.server.client()
  client.middlewareStack.add(
    (next) => (args) => next({ ...args, request: Object.assign(args.request as object, { body: xml }) }),
    {
      step: 'build',
      name: 'otherXml',
      priority: 'high',
    },
  )
  return client
}

describe('XML that is wrong is refused', () => {
  const remove = new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }] } })

  test.each<[string, string]>([
    ['no XML', 'delete everything'],
    ['another element', '<Remove/>'],
    ['an unknown element', '<Delete><Object><Key>a</Key></Object><Everything>true</Everything></Delete>'],
    ['no key', '<Delete><Object></Object></Delete>'],
    ['two keys', '<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>'],
    ['an element that is not closed', '<Delete><Object><Key>a</Object></Delete>'],
    [
      'an entity of its own',
      '<!DOCTYPE Delete [<!ENTITY a "b">]><Delete><Object><Key>&a;</Key></Object></Delete>',
    ],
  ])('%s', async (_, xml) => {
    expect(await outcome(sending(xml).send(remove))).toBe('400 MalformedXML')
  })

  test('keys and values are taken literally', async () => {
    for (const key of ['007', 'true', ' spaced ', '1e3', '<&>']) {
      await fixture.s3.send(new PutObjectCommand({ Bucket, Key: key, Body: 'x' }))
      const tags = { Bucket, Key: key, Tagging: { TagSet: [{ Key: '01', Value: ' 1.0 ' }] } }
      expect(await outcome(fixture.s3.send(new PutObjectTaggingCommand(tags)))).toBe('200')
      const { Deleted } = await fixture.s3.send(
        new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: key }] } }),
      )
      expect(Deleted).toEqual([{ Key: key }])
      expect(await outcome(fixture.s3.send(new GetObjectCommand({ Bucket, Key: key })))).toBe('404 NoSuchKey')
    }
  })
})

describe('limits', () => {
  test('more than 2 KB of metadata', async () => {
    const put = new PutObjectCommand({ Bucket, Key, Body: 'x', Metadata: { a: 'x'.repeat(2048) } })
    expect(await outcome(fixture.s3.send(put))).toBe('400 MetadataTooLarge')
  })

  test('more than 5 GiB, refused before a byte of it was taken', async () => {
    const client = fixture.server.client()
    client.middlewareStack.add(
      (next) => (args) => {
        const { headers } = args.request as { headers: Record<string, string> }
        headers['content-length'] = String(5 * 1024 ** 3 + 1)
        return next(args)
      },
      { step: 'build', name: 'pretend', priority: 'low' },
    )
    const answer = client.send(new PutObjectCommand({ Bucket, Key: 'huge', Body: 'x' }))
    expect(await outcome(answer)).toBe('400 EntityTooLarge')
    client.destroy()
  })

  test('an unknown directive', async () => {
    await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'source', Body: 'x' }))
    const copy = new CopyObjectCommand({
      Bucket,
      Key: 'b',
      CopySource: `${Bucket}/source`,
      MetadataDirective: 'KEEP' as 'COPY',
    })
    expect(await outcome(fixture.s3.send(copy))).toBe('400 InvalidArgument')
  })
})

test('a `+` in a path is a space, as in S3', async () => {
  await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'gtk 2', Body: 'space' }))
  await fixture.s3.send(new PutObjectCommand({ Bucket, Key: 'gtk+2', Body: 'plus' }))
  const get = async (path: string): Promise<string> =>
    (await fetch(`${fixture.server.endpoint}${path}`)).text()
  expect([await get('/cache/gtk+2'), await get('/cache/gtk%2B2')]).toEqual(['space', 'plus'])
})
