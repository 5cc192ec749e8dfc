import { noSuchKey, notImplemented, preconditionFailed } from './errors.ts'
import type { StoredObject } from './records.ts'

/** The part of an object that conditions look at. */
type Current = Pick<StoredObject, 'etag' | 'modified'>

export interface WriteConditions {
  ifMatch: string | undefined
  ifNoneMatch: string | undefined
}

export interface ReadConditions extends WriteConditions {
  ifModifiedSince: string | undefined
  ifUnmodifiedSince: string | undefined
}

/**
 * Decides a conditional PutObject, CopyObject or CompleteMultipartUpload. `If-None-Match` takes `*` alone, `If-Match` an ETag alone.
 * Source: S3 user guide, "How to prevent object overwrites with conditional writes".
 * @throws S3Error PreconditionFailed (412); NoSuchKey (404) for If-Match on a key that has no object; NotImplemented (501)
 */
export function checkWriteConditions(
  { ifMatch, ifNoneMatch }: WriteConditions,
  key: string,
  existing: Current | undefined,
): void {
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    throw notImplemented('a write with both If-Match and If-None-Match')
  }
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== '*') throw notImplemented('If-None-Match with anything but * on a write')
    if (existing !== undefined) throw preconditionFailed('If-None-Match')
  }
  if (ifMatch !== undefined) {
    if (ifMatch === '*') throw notImplemented('If-Match: * on a write')
    if (existing === undefined) throw noSuchKey(key)
    if (!matchesEtag(ifMatch, existing.etag)) throw preconditionFailed('If-Match')
  }
}

/**
 * Decides a conditional DeleteObject: `If-Match` takes an ETag or `*`. A key without an object gives 404 for either, as S3 was measured to
 * do in August 2026 (its user guide only tells of the 412).
 * @throws S3Error PreconditionFailed (412), NoSuchKey (404)
 */
export function checkDeleteCondition(
  ifMatch: string | undefined,
  key: string,
  existing: Current | undefined,
): void {
  if (ifMatch === undefined) return
  if (existing === undefined) throw noSuchKey(key)
  if (ifMatch !== '*' && !matchesEtag(ifMatch, existing.etag)) throw preconditionFailed('If-Match')
}

/**
 * Decides a conditional read. Source: RFC 9110 section 13.2.2, which S3 follows: an ETag condition overrides the date condition beside it.
 * @returns false when the answer is 304 Not Modified
 * @throws S3Error PreconditionFailed (412)
 */
export function isWanted(conditions: ReadConditions, current: Current): boolean {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions
  if (ifMatch !== undefined) {
    if (!matchesEtag(ifMatch, current.etag)) throw preconditionFailed('If-Match')
  } else if (isModifiedSince(current, ifUnmodifiedSince) === true) {
    throw preconditionFailed('If-Unmodified-Since')
  }
  if (ifNoneMatch !== undefined) return !matchesEtag(ifNoneMatch, current.etag)
  return isModifiedSince(current, ifModifiedSince) !== false
}

/**
 * Decides the x-amz-copy-source-if-… conditions: as for a read, but there is no 304.
 * @throws S3Error PreconditionFailed (412)
 */
export function checkSourceConditions(conditions: ReadConditions, current: Current): void {
  if (!isWanted(conditions, current)) {
    throw preconditionFailed(
      conditions.ifNoneMatch === undefined
        ? 'x-amz-copy-source-if-modified-since'
        : 'x-amz-copy-source-if-none-match',
    )
  }
}

/** Whether a list of ETags, quoted or not, or `*`, has this one. */
export function matchesEtag(header: string, etag: string): boolean {
  return header.split(',').some((one) => {
    const bare = one
      .trim()
      .replace(/^W\//, '')
      .replace(/^"(?<inner>.*)"$/, '$<inner>')
    return bare === '*' || bare === etag
  })
}

/** HTTP dates have no fractions of a second; one that is no date does not count. */
function isModifiedSince(current: Current, date: string | undefined): boolean | undefined {
  const since = Date.parse(date ?? '')
  return Number.isNaN(since) ? undefined : Math.floor(current.modified / 1000) > Math.floor(since / 1000)
}
