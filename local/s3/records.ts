import type { Checksum, ChecksumAlgorithm } from './checksums.ts'

export interface Tag {
  key: string
  value: string
}

/** What a client may say of an object beside its body. */
export interface ObjectAttributes {
  /** content-type, cache-control and the like, by lower-case name, as they are answered */
  headers: Record<string, string>
  /** user metadata, without `x-amz-meta-` */
  metadata: Record<string, string>
}

export interface StoredObject {
  key: string
  /** without quotes: MD5 in hex, or `<hex>-<parts>` */
  etag: string
  /** bytes */
  size: number
  /** milliseconds since 1970 */
  modified: number
  /** the body, a name that `Bodies` knows */
  file: string
  attributes: ObjectAttributes
  checksum: Checksum | undefined
  tags: Tag[]
}

export interface Upload {
  id: string
  bucket: string
  key: string
  initiated: number
  attributes: ObjectAttributes
  tags: Tag[]
  /** what every part and the whole object are checked with */
  algorithm: ChecksumAlgorithm | undefined
}

export interface Part {
  number: number
  etag: string
  size: number
  modified: number
  file: string
  checksum: string | undefined
}

/** A row of the index. Only `ObjectIndex` writes them, so their form is known. */
export type Row = Record<string, string | number | null>

export function toObject(row: Row): StoredObject {
  return {
    key: String(row['key']),
    etag: String(row['etag']),
    size: Number(row['size']),
    modified: Number(row['modified']),
    file: String(row['file']),
    attributes: JSON.parse(String(row['attributes'])) as ObjectAttributes,
    checksum: row['checksum'] === null ? undefined : (JSON.parse(String(row['checksum'])) as Checksum),
    tags: JSON.parse(String(row['tags'])) as Tag[],
  }
}

export function toUpload(row: Row): Upload {
  return {
    id: String(row['id']),
    bucket: String(row['bucket']),
    key: String(row['key']),
    initiated: Number(row['initiated']),
    attributes: JSON.parse(String(row['attributes'])) as ObjectAttributes,
    tags: JSON.parse(String(row['tags'])) as Tag[],
    algorithm: row['algorithm'] === null ? undefined : (row['algorithm'] as ChecksumAlgorithm),
  }
}

export function toPart(row: Row): Part {
  return {
    number: Number(row['number']),
    etag: String(row['etag']),
    size: Number(row['size']),
    modified: Number(row['modified']),
    file: String(row['file']),
    checksum: row['checksum'] === null ? undefined : String(row['checksum']),
  }
}
