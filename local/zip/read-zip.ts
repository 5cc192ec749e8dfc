import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'
import { crc32, inflateRawSync } from 'node:zlib'

/** An archive that is damaged or uses something that no zip of ours does. */
export class InvalidZip extends Error {
  override name = 'InvalidZip'
}

export interface ZipEntry {
  path: string
  /** permission bits, when the archive was made on Unix */
  mode?: number
  data: Buffer
}

const END_OF_DIRECTORY = 0x06054b50
const DIRECTORY_ENTRY = 0x02014b50
const LOCAL_HEADER = 0x04034b50
/** Fixed part of each record, in bytes. */
const END_SIZE = 22
const ENTRY_SIZE = 46
const HEADER_SIZE = 30
/** An entry's `version made by`, high byte: 3 is Unix, whose mode bits are the high half of the external attributes. */
const MADE_ON_UNIX = 3

/**
 * The files of a zip archive, in its directory's order. Stored and deflated entries, neither encrypted nor ZIP64.
 * Source: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.16.
 * @throws InvalidZip
 */
export function readZip(archive: Buffer): ZipEntry[] {
  const end = findEnd(archive)
  const count = archive.readUInt16LE(end + 10)
  let at = archive.readUInt32LE(end + 16)
  if (count === 0xffff || at === 0xffffffff) throw new InvalidZip('ZIP64 archives are not read here')
  const entries: ZipEntry[] = []
  for (let index = 0; index < count; index += 1) {
    if (at + ENTRY_SIZE > archive.length || archive.readUInt32LE(at) !== DIRECTORY_ENTRY)
      throw new InvalidZip(`directory entry ${index} is damaged`)
    const nameLength = archive.readUInt16LE(at + 28)
    const path = archive.toString('utf8', at + ENTRY_SIZE, at + ENTRY_SIZE + nameLength)
    if (!path.endsWith('/')) entries.push(readEntry(archive, at, path))
    at += ENTRY_SIZE + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
  }
  return entries
}

/**
 * Writes a zip archive's files below `folder`.
 * @throws InvalidZip for damage, and for a path that would leave the folder
 */
export function unzip(archive: Buffer, folder: string): void {
  for (const { path, mode, data } of readZip(archive)) {
    const target = join(folder, normalize(path))
    if (!target.startsWith(folder + sep)) throw new InvalidZip(`"${path}" leads out of the folder`)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, data)
    if (mode !== undefined && mode !== 0) chmodSync(target, mode)
  }
}

function findEnd(archive: Buffer): number {
  // The record is last, but for a comment of at most 65,535 bytes.
  const first = Math.max(0, archive.length - END_SIZE - 0xffff)
  for (let at = archive.length - END_SIZE; at >= first; at -= 1)
    if (archive.readUInt32LE(at) === END_OF_DIRECTORY) return at
  throw new InvalidZip('no end-of-directory record: this is no zip archive, or it is cut short')
}

function readEntry(archive: Buffer, at: number, path: string): ZipEntry {
  const encrypted = (archive.readUInt16LE(at + 8) & 1) === 1
  const method = archive.readUInt16LE(at + 10)
  const compressedSize = archive.readUInt32LE(at + 20)
  const size = archive.readUInt32LE(at + 24)
  const header = archive.readUInt32LE(at + 42)
  if (encrypted) throw new InvalidZip(`"${path}" is encrypted`)
  if (header + HEADER_SIZE > archive.length || archive.readUInt32LE(header) !== LOCAL_HEADER)
    throw new InvalidZip(`the header of "${path}" is damaged`)
  const start = header + HEADER_SIZE + archive.readUInt16LE(header + 26) + archive.readUInt16LE(header + 28)
  const data = expand(archive.subarray(start, start + compressedSize), method, size, path)
  if (data.length !== size || crc32(data) !== archive.readUInt32LE(at + 16))
    throw new InvalidZip(`"${path}" is damaged: its checksum or size is another`)
  const madeOnUnix = archive.readUInt16LE(at + 4) >> 8 === MADE_ON_UNIX
  return { path, data, ...(madeOnUnix ? { mode: (archive.readUInt32LE(at + 38) >>> 16) & 0o777 } : {}) }
}

function expand(bytes: Buffer, method: number, size: number, path: string): Buffer {
  if (method === 0) return bytes
  if (method !== 8)
    throw new InvalidZip(`"${path}" is compressed by method ${method}; only deflate is read here`)
  try {
    return inflateRawSync(bytes, { maxOutputLength: size + 1 })
  } catch (error) {
    throw new InvalidZip(`"${path}" does not inflate`, { cause: error })
  }
}
