import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Statement } from '../../../local/gateway/policy.ts'
import { outcome } from './answers.ts'
import { serverForThisFile } from './server-fixture.ts'
import { clientOf, OPERATOR, type TestRole } from './signed-server.ts'

function role(...Statement: Statement[]): TestRole {
  return { secretAccessKey: 'role-secret', policies: [{ Version: '2012-10-17', Statement }] }
}

function allow(
  Action: string | string[],
  Resource: string | string[],
  Condition?: Statement['Condition'],
): Statement {
  return { Effect: 'Allow', Action, Resource, ...(Condition === undefined ? {} : { Condition }) }
}

const STAGING = 'arn:aws:s3:::staging/staging/${aws:userid}/*'

const fixture = serverForThisFile(['cache', 'staging', 'public'], {
  anonymousRead: ['public'],
  roles: {
    // A builder: creates objects below its own prefix, and reads nothing.
    BUILDER: role(
      allow('s3:PutObject', STAGING, {
        Null: { 's3:if-none-match': 'false' },
        Bool: { 's3:ObjectCreationOperation': 'true' },
      }),
      allow('s3:PutObject', STAGING, { Bool: { 's3:ObjectCreationOperation': 'false' } }),
    ),
    // A publisher: copies from staging to the cache, once.
    PUBLISHER: role(
      allow('s3:GetObject', 'arn:aws:s3:::staging/*'),
      allow('s3:PutObject', 'arn:aws:s3:::cache/*', { StringEquals: { 's3:if-none-match': '*' } }),
    ),
    // A reader that may not list, one that may, and one that may list one prefix.
    READER: role(allow('s3:GetObject', 'arn:aws:s3:::cache/*')),
    LISTER: role(allow('s3:GetObject', 'arn:aws:s3:::cache/*'), allow('s3:ListBucket', 'arn:aws:s3:::cache')),
    PREFIX: role(
      allow('s3:ListBucket', 'arn:aws:s3:::cache', {
        StringLike: { 's3:prefix': 'nar/*' },
        NumericLessThanEquals: { 's3:max-keys': '10' },
      }),
    ),
    // Deletes only conditionally, and without the right to read, which an ETag needs.
    SWEEPER: role(allow('s3:DeleteObject', 'arn:aws:s3:::cache/nar/*', { Null: { 's3:if-match': 'false' } })),
    TAGGER: role(allow(['s3:GetObject', 's3:PutObject'], 'arn:aws:s3:::cache/*')),
    OVERWRITER: role(allow('s3:PutObject', 'arn:aws:s3:::cache/*')),
  },
})

const own = (key: string): { Bucket: string; Key: string } => ({
  Bucket: 'staging',
  Key: `staging/AROA:BUILDER/${key}`,
})
const inCache = (Key: string): { Bucket: string; Key: string } => ({ Bucket: 'cache', Key })

beforeAll(async () => {
  for (const Key of ['a.narinfo', 'nar/1', 'nar/2']) {
    await fixture.s3.send(new PutObjectCommand({ ...inCache(Key), Body: Key }))
  }
  await fixture.s3.send(new PutObjectCommand({ ...inCache('tagged'), Body: 'x', Tagging: 'a=b' }))
  await fixture.s3.send(
    new PutObjectCommand({ Bucket: 'staging', Key: 'staging/AROA:OTHER/nar', Body: 'nar' }),
  )
  await fixture.s3.send(
    new PutObjectCommand({ Bucket: 'public', Key: 'nix-cache-info', Body: 'StoreDir: /nix/store' }),
  )
})

describe('what a role may do, and what it may not', () => {
  const denied = '403 AccessDenied'
  test.each<[string, string, (s3: S3Client) => Promise<string>, string]>([
    [
      'BUILDER',
      'creates below its prefix',
      (s3) => outcome(s3.send(new PutObjectCommand({ ...own('nar'), Body: 'x', IfNoneMatch: '*' }))),
      '200',
    ],
    [
      'BUILDER',
      'does not write unconditionally',
      (s3) => outcome(s3.send(new PutObjectCommand({ ...own('nar2'), Body: 'x' }))),
      denied,
    ],
    [
      'BUILDER',
      'does not write below another prefix',
      (s3) =>
        outcome(
          s3.send(
            new PutObjectCommand({
              Bucket: 'staging',
              Key: 'staging/AROA:OTHER/x',
              Body: 'x',
              IfNoneMatch: '*',
            }),
          ),
        ),
      denied,
    ],
    [
      'BUILDER',
      'does not read what it wrote',
      (s3) => outcome(s3.send(new GetObjectCommand(own('nar')))),
      denied,
    ],
    [
      'BUILDER',
      'does not list',
      (s3) => outcome(s3.send(new ListObjectsV2Command({ Bucket: 'staging' }))),
      denied,
    ],
    ['BUILDER', 'does not delete', (s3) => outcome(s3.send(new DeleteObjectCommand(own('nar')))), denied],
    [
      'PUBLISHER',
      'copies to the cache',
      (s3) =>
        outcome(
          s3.send(
            new CopyObjectCommand({
              ...inCache('copied'),
              CopySource: 'staging/staging/AROA%3AOTHER/nar',
              IfNoneMatch: '*',
            }),
          ),
        ),
      '200',
    ],
    [
      'PUBLISHER',
      'does not copy over what is there',
      (s3) =>
        outcome(
          s3.send(
            new CopyObjectCommand({
              ...inCache('a.narinfo'),
              CopySource: 'staging/staging/AROA%3AOTHER/nar',
              IfNoneMatch: '*',
            }),
          ),
        ),
      '412 PreconditionFailed',
    ],
    [
      'PUBLISHER',
      'does not copy unconditionally',
      (s3) =>
        outcome(
          s3.send(
            new CopyObjectCommand({ ...inCache('copied2'), CopySource: 'staging/staging/AROA%3AOTHER/nar' }),
          ),
        ),
      denied,
    ],
    [
      'PUBLISHER',
      'does not copy what it may not read',
      (s3) =>
        outcome(
          s3.send(
            new CopyObjectCommand({ ...inCache('copied3'), CopySource: 'cache/a.narinfo', IfNoneMatch: '*' }),
          ),
        ),
      denied,
    ],
    ['READER', 'gets', (s3) => outcome(s3.send(new GetObjectCommand(inCache('a.narinfo')))), '200'],
    [
      'READER',
      'is not told that a key does not exist',
      (s3) => outcome(s3.send(new GetObjectCommand(inCache('nothing')))),
      denied,
    ],
    [
      'READER',
      'is not told so by HEAD',
      async (s3) => (await outcome(s3.send(new HeadObjectCommand(inCache('nothing'))))).slice(0, 3),
      '403',
    ],
    [
      'LISTER',
      'is told that a key does not exist',
      (s3) => outcome(s3.send(new GetObjectCommand(inCache('nothing')))),
      '404 NoSuchKey',
    ],
    [
      'LISTER',
      'is told so by HEAD',
      (s3) => outcome(s3.send(new HeadObjectCommand(inCache('nothing')))),
      '404 NotFound',
    ],
    [
      'PREFIX',
      'lists its prefix',
      (s3) => outcome(s3.send(new ListObjectsV2Command({ Bucket: 'cache', Prefix: 'nar/', MaxKeys: 10 }))),
      '200',
    ],
    [
      'PREFIX',
      'does not list another prefix',
      (s3) => outcome(s3.send(new ListObjectsV2Command({ Bucket: 'cache', Prefix: 'log/', MaxKeys: 10 }))),
      denied,
    ],
    [
      'PREFIX',
      'does not list everything',
      (s3) => outcome(s3.send(new ListObjectsV2Command({ Bucket: 'cache', MaxKeys: 10 }))),
      denied,
    ],
    [
      'PREFIX',
      'does not list more at once',
      (s3) => outcome(s3.send(new ListObjectsV2Command({ Bucket: 'cache', Prefix: 'nar/', MaxKeys: 11 }))),
      denied,
    ],
    [
      'SWEEPER',
      'deletes when it is there',
      (s3) => outcome(s3.send(new DeleteObjectCommand({ ...inCache('nar/1'), IfMatch: '*' }))),
      '204',
    ],
    [
      'SWEEPER',
      'does not delete unconditionally',
      (s3) => outcome(s3.send(new DeleteObjectCommand(inCache('nar/2')))),
      denied,
    ],
    [
      'SWEEPER',
      'does not compare ETags without reading',
      (s3) => outcome(s3.send(new DeleteObjectCommand({ ...inCache('nar/2'), IfMatch: '"x"' }))),
      denied,
    ],
    [
      'OVERWRITER',
      'does not compare ETags without reading',
      (s3) => outcome(s3.send(new PutObjectCommand({ ...inCache('nar/2'), Body: 'x', IfMatch: '"x"' }))),
      denied,
    ],
    [
      'TAGGER',
      'does not tag',
      (s3) => outcome(s3.send(new PutObjectCommand({ ...inCache('new'), Body: 'x', Tagging: 'a=b' }))),
      denied,
    ],
    [
      'TAGGER',
      'does not copy tags',
      (s3) => outcome(s3.send(new CopyObjectCommand({ ...inCache('new'), CopySource: 'cache/tagged' }))),
      denied,
    ],
    [
      'TAGGER',
      'copies without the tags',
      (s3) =>
        outcome(
          s3.send(
            new CopyObjectCommand({
              ...inCache('new'),
              CopySource: 'cache/tagged',
              TaggingDirective: 'REPLACE',
            }),
          ),
        ),
      '200',
    ],
    [
      'TAGGER',
      'does not read tags',
      (s3) => outcome(s3.send(new GetObjectTaggingCommand(inCache('tagged')))),
      denied,
    ],
  ])('%s %s', async (name, _, request, expected) => {
    expect(await request(fixture.server.client(name))).toBe(expected)
  })

  test('BUILDER uploads in parts, and creates only conditionally', async () => {
    const s3 = fixture.server.client('BUILDER')
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(own('large')))
    const { ETag } = await s3.send(
      new UploadPartCommand({ ...own('large'), UploadId, PartNumber: 1, Body: 'x' }),
    )
    const complete = (more: object): CompleteMultipartUploadCommand =>
      new CompleteMultipartUploadCommand({
        ...own('large'),
        UploadId,
        ...more,
        MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] },
      })
    expect(await outcome(s3.send(complete({})))).toBe(denied)
    expect(await outcome(s3.send(complete({ IfNoneMatch: '*' })))).toBe('200')
  })

  test('DeleteObjects denies key by key', async () => {
    const Objects = [
      { Key: 'nar/2', ETag: '*' },
      { Key: 'a.narinfo', ETag: '*' },
    ]
    const s3 = fixture.server.client('SWEEPER')
    const answer = await s3.send(new DeleteObjectsCommand({ Bucket: 'cache', Delete: { Objects } }))
    expect(answer.Deleted).toEqual([{ Key: 'nar/2' }])
    expect(answer.Errors).toEqual([expect.objectContaining({ Key: 'a.narinfo', Code: 'AccessDenied' })])
  })
})

test('a denied request is answered in XML that names action and resource', async () => {
  const request = fixture.server
    .client('READER')
    .send(new PutObjectCommand({ ...inCache('a.narinfo'), Body: 'x' }))
  await expect(request).rejects.toMatchObject({
    name: 'AccessDenied',
    message: expect.stringContaining('s3:PutObject on arn:aws:s3:::cache/a.narinfo'),
    $metadata: { httpStatusCode: 403 },
  })
})

describe('without a signature', () => {
  test.each<[string, string, string, number]>([
    ['an object of a public bucket', 'GET', '/public/nix-cache-info', 200],
    ['by HEAD', 'HEAD', '/public/nix-cache-info', 200],
    ['a key that is not there', 'GET', '/public/nothing', 404],
    ['an object of another bucket', 'GET', '/cache/a.narinfo', 403],
    ['a key that is not there in another bucket', 'GET', '/cache/nothing', 403],
    ['a write to a public bucket', 'PUT', '/public/new', 403],
    ['a deletion', 'DELETE', '/public/nix-cache-info', 403],
    ['the tags', 'GET', '/public/nix-cache-info?tagging', 403],
    ['the list of buckets', 'GET', '/', 403],
  ])('%s', async (_, method, path, expected) => {
    const answer = await fetch(`${fixture.server.endpoint}${path}`, { method })
    expect(answer.status).toBe(expected)
    if (expected === 403 && method !== 'HEAD') {
      expect(await answer.text()).toContain('<Code>AccessDenied</Code>')
    }
  })

  test('an override of headers needs a signature', async () => {
    const answer = await fetch(
      `${fixture.server.endpoint}/public/nix-cache-info?response-content-type=text/html`,
    )
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('InvalidRequest')])
  })
})

describe('with a bad signature', () => {
  test.each<[string, { accessKeyId: string; secretAccessKey: string }, string]>([
    ['of an unknown key', { accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 'x' }, '403 InvalidAccessKeyId'],
    ['by another secret', { ...OPERATOR, secretAccessKey: 'x' }, '403 SignatureDoesNotMatch'],
  ])('%s', async (_, credentials, expected) => {
    const client = clientOf(fixture.server.endpoint, credentials)
    expect(await outcome(client.send(new GetObjectCommand(inCache('a.narinfo'))))).toBe(expected)
    client.destroy()
  })

  test('signed an hour ago', async () => {
    const client = clientOf(fixture.server.endpoint, OPERATOR, { systemClockOffset: -3_600_000 })
    expect(await outcome(client.send(new GetObjectCommand(inCache('a.narinfo'))))).toBe(
      '403 RequestTimeTooSkewed',
    )
    client.destroy()
  })
})

test('a bucket of another owner is refused', async () => {
  const get = new GetObjectCommand({ ...inCache('a.narinfo'), ExpectedBucketOwner: '999999999999' })
  expect(await outcome(fixture.s3.send(get))).toBe('403 AccessDenied')
})
