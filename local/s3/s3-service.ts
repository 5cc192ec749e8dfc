import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { AccessDenied, ACCOUNT, type Call, type Service } from '../gateway/service.ts'
import { SignatureError } from '../gateway/sigv4-errors.ts'
import { isSigned } from '../gateway/sigv4.ts'
import { answerS3Error } from './answer.ts'
import { Bodies } from './bodies.ts'
import { createBucketNamed } from './buckets.ts'
import { S3Error } from './errors.ts'
import { ObjectIndex } from './object-index.ts'
import { findOperation } from './operations.ts'
import { headerOf, parseTarget, type ObjectCreated, type S3Call, type Store } from './request.ts'

export type { ObjectCreated } from './request.ts'

export interface S3Options {
  /** where everything is kept; one server at a time */
  folder: string
  /** buckets whose objects everybody may get, without a signature */
  anonymousRead?: string[]
  /** hears of every object that was created, after it is visible */
  onObjectCreated?: (event: ObjectCreated) => void
}

export interface S3Service extends Service {
  /** Makes a bucket unless it is there. @throws S3Error InvalidBucketName */
  createBucket(name: string): void
}

/**
 * An S3 server for one machine, strict: what it does not implement it refuses by name. Objects are read and written with strong
 * consistency, conditional writes are atomic, and what was answered survives a kill of the process. Path-style URLs only.
 * @throws when another server uses the folder
 */
export function createS3({ folder, anonymousRead = [], onObjectCreated }: S3Options): S3Service {
  mkdirSync(folder, { recursive: true })
  const index = new ObjectIndex(folder)
  const bodies = new Bodies(join(folder, 'bodies'))
  bodies.sweep((file) => index.isNamed(file))
  const store: Store = {
    index,
    bodies,
    anonymousRead: new Set(anonymousRead),
    onObjectCreated: onObjectCreated ?? (() => {}),
  }
  const pending = new Set<Promise<void>>()
  return {
    name: 's3',
    createBucket: (name) => void createBucketNamed(index, name),
    async handle(request, response, call) {
      const handled = answer(store, request, response, call)
      pending.add(handled)
      // Every outcome is the caller's to see; this only keeps the index open until the last one is in.
      await handled.finally(() => pending.delete(handled))
    },
    async close() {
      await Promise.allSettled(pending)
      index.close()
      bodies.close()
    },
  }
}

async function answer(
  store: Store,
  request: IncomingMessage,
  response: ServerResponse,
  call: Call,
): Promise<void> {
  const requestId = randomBytes(8).toString('hex').toUpperCase()
  try {
    const s3Call = { store, request, response, call, requestId, method: request.method ?? '' }
    const target = { ...s3Call, ...parseTarget(request.url ?? '/') }
    adoptPresignedHeaders(target)
    checkOwner(request)
    await findOperation(target).run(target)
  } catch (error) {
    // A client that hung up while it was sending: there is nobody to answer, and nothing was kept.
    if (request.errored !== null && error === request.errored) return
    if (!(error instanceof S3Error) && !(error instanceof SignatureError)) throw error
    answerS3Error(request, response, error, requestId)
  }
}

/** A presigned request carries as query parameters what would otherwise be headers; its signature covers them as well. */
function adoptPresignedHeaders({ request, query }: S3Call): void {
  if (!isSigned(request)) return
  for (const [name, value] of query) {
    if (!name.startsWith('x-amz-')) continue
    request.headers[name] ??= value
    query.delete(name)
  }
}

/** @throws AccessDenied */
function checkOwner(request: IncomingMessage): void {
  const owner = headerOf(request, 'x-amz-expected-bucket-owner')
  if (owner !== undefined && owner !== ACCOUNT) {
    throw new AccessDenied(`the bucket's owner is ${ACCOUNT}, not the expected ${owner}`)
  }
}
