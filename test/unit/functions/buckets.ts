import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  CopyObjectCommand,
  type CopyObjectCommandInput,
  DeleteObjectCommand,
  type DeleteObjectCommandInput,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  type HeadObjectCommandInput,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { mockClient } from 'aws-sdk-client-mock'
import type { Bucket } from '../../../functions/shared/objects.ts'

interface StoredObject {
  bytes: Buffer
  etag: string
  contentType: string | undefined
  lastModified: Date
}

const PAGE = 3

/** S3 in memory, behind every S3 client there is: what the functions use of it, with S3's conditional writes. */
export class Buckets {
  /** by `bucket/key` */
  readonly objects = new Map<string, StoredObject>()
  /** `bucket/key` of every write that succeeded, in order */
  readonly written: string[] = []
  readonly mock = mockClient(S3Client)
  readonly #s3 = new S3Client({})
  /** what an object's LastModified is taken from */
  clock = (): Date => new Date()

  /** what must come to pass before S3 does what it is asked for, in no time at all: for tests that decide who is first */
  before: (request: string) => Promise<void> | void = () => undefined

  constructor() {
    this.mock
      .on(GetObjectCommand)
      .callsFake(async (input: GetObjectCommandInput) => this.#when('Get', input, () => this.#get(input)))
    this.mock
      .on(PutObjectCommand)
      .callsFake(async (input: PutObjectCommandInput) => this.#when('Put', input, () => this.#put(input)))
    this.mock
      .on(CopyObjectCommand)
      .callsFake(async (input: CopyObjectCommandInput) => this.#when('Copy', input, () => this.#copy(input)))
    this.mock
      .on(DeleteObjectCommand)
      .callsFake(async (input: DeleteObjectCommandInput) =>
        this.#when('Delete', input, () => this.#delete(input)),
      )
    this.mock
      .on(ListObjectsV2Command)
      .callsFake(async (input: ListObjectsV2CommandInput) =>
        this.#when('List', input, () => this.#list(input)),
      )
    this.mock
      .on(HeadObjectCommand)
      .callsFake(async (input: HeadObjectCommandInput) => this.#when('Head', input, () => this.#head(input)))
  }

  bucket(name: string): Bucket {
    return { s3: this.#s3, name }
  }

  /** @param where `bucket/key` */
  put(where: string, content: string | Uint8Array | object, lastModified = this.clock()): void {
    const isBytes = typeof content === 'string' || content instanceof Uint8Array
    const bytes = Buffer.from(isBytes ? content : JSON.stringify(content))
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`
    this.objects.set(where, { bytes, etag, contentType: undefined, lastModified })
  }

  text(where: string): string | undefined {
    return this.objects.get(where)?.bytes.toString('utf8')
  }

  json(where: string): unknown {
    const text = this.text(where)
    return text === undefined ? undefined : JSON.parse(text)
  }

  /** The keys of a bucket, sorted. */
  keys(bucket: string): string[] {
    const prefix = `${bucket}/`
    return [...this.objects.keys()]
      .filter((where) => where.startsWith(prefix))
      .map((where) => where.slice(prefix.length))
      .sort()
  }

  async #when(
    what: string,
    { Key, Prefix }: { Key?: string | undefined; Prefix?: string | undefined },
    answer: () => object,
  ): Promise<object> {
    await this.before(`${what} ${Key ?? Prefix ?? ''}`)
    return answer()
  }

  #get({ Bucket = '', Key = '', IfMatch }: GetObjectCommandInput): object {
    const found = this.#find(`${Bucket}/${Key}`)
    if (IfMatch !== undefined && IfMatch !== found.etag) throw refusal(412, 'PreconditionFailed')
    const body = Object.assign(Readable.from([found.bytes]), {
      transformToByteArray: async () => new Uint8Array(found.bytes),
    })
    return {
      Body: body,
      ContentLength: found.bytes.length,
      ETag: found.etag,
      LastModified: found.lastModified,
    }
  }

  #head({ Bucket = '', Key = '' }: HeadObjectCommandInput): object {
    const { bytes, etag, lastModified } = this.#find(`${Bucket}/${Key}`)
    return { ContentLength: bytes.length, ETag: etag, LastModified: lastModified }
  }

  /** Pages as small as S3 may make them at any time: nobody who lists may count on a thousand. Keys that a delimiter rolls up are left out. */
  #list({
    Bucket = '',
    Prefix = '',
    Delimiter,
    ContinuationToken = '',
    MaxKeys = PAGE,
  }: ListObjectsV2CommandInput) {
    const isRolledUp = (key: string): boolean =>
      Delimiter !== undefined && key.slice(Prefix.length).includes(Delimiter)
    const keys = this.keys(Bucket).filter(
      (key) => key.startsWith(Prefix) && key > ContinuationToken && !isRolledUp(key),
    )
    const page = keys.slice(0, Math.min(MaxKeys, PAGE))
    return {
      Contents: page.map((Key) => {
        const { bytes, etag, lastModified } = this.#find(`${Bucket}/${Key}`)
        return { Key, ETag: etag, Size: bytes.length, LastModified: lastModified }
      }),
      ...(keys.length > page.length ? { NextContinuationToken: page.at(-1) } : {}),
    }
  }

  #delete({ Bucket = '', Key = '', IfMatch }: DeleteObjectCommandInput): object {
    const where = `${Bucket}/${Key}`
    if (IfMatch !== undefined && this.#find(where).etag !== IfMatch) throw refusal(412, 'PreconditionFailed')
    this.objects.delete(where)
    return {}
  }

  #put({ Bucket = '', Key = '', Body, IfNoneMatch, IfMatch, ContentType }: PutObjectCommandInput): object {
    const where = `${Bucket}/${Key}`
    const there = this.objects.get(where)
    if (IfNoneMatch === '*' && there !== undefined) throw refusal(412, 'PreconditionFailed')
    if (IfMatch !== undefined && there === undefined) throw refusal(404, 'NoSuchKey')
    if (IfMatch !== undefined && there?.etag !== IfMatch) throw refusal(412, 'PreconditionFailed')
    if (typeof Body !== 'string' && !(Body instanceof Uint8Array)) throw new TypeError('a body in one piece')
    this.#write(where, Buffer.from(Body), ContentType)
    return {}
  }

  #copy({ Bucket = '', Key = '', CopySource = '', CopySourceIfMatch, ContentType }: CopyObjectCommandInput) {
    const source = this.#find(decodeURIComponent(CopySource))
    if (CopySourceIfMatch !== undefined && CopySourceIfMatch !== source.etag)
      throw refusal(412, 'PreconditionFailed')
    this.#write(`${Bucket}/${Key}`, source.bytes, ContentType)
    return {}
  }

  #write(where: string, bytes: Buffer, contentType: string | undefined): void {
    this.put(where, bytes)
    const stored = this.#find(where)
    stored.contentType = contentType
    this.written.push(where)
  }

  #find(where: string): StoredObject {
    const found = this.objects.get(where)
    if (found === undefined) throw refusal(404, 'NoSuchKey')
    return found
  }
}

/** An answer of S3 that is an error. */
export function refusal(status: number, name: string): S3ServiceException {
  return new S3ServiceException({
    name,
    message: name,
    $fault: status < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode: status },
  })
}
