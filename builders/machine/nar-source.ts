import { closeSync, lstatSync, openSync, read, readdirSync, readlinkSync, readSync } from 'node:fs'
import { promisify } from 'node:util'
import { type NarFile, type NarNode, type NarSource, UnwritableNar } from '../../nix/nar-writer.ts'

const readAsync = promisify(read)

// Below this a blocking read is over sooner than a thread of the pool answers (about 50 µs); above it the event loop is left free.
const SMALL_FILE_BYTES = 256 * 1024
const OWNER_MAY_EXECUTE = 0o100

/**
 * The file system of this machine as the source of a NAR.
 * @param caseHack whether Nix unpacked these trees with `use-case-hack`, its default on macOS
 */
export function fileSystemNarSource({ caseHack = process.platform === 'darwin' } = {}): NarSource {
  return {
    caseHack,
    lstat,
    readdir: (path) => readdirSync(onDisk(path), 'latin1'),
    readlink: (path) => readlinkSync(onDisk(path), 'latin1'),
    open,
  }
}

/** An ordinary path as the byte string that a `NarSource` takes. */
export function narPath(path: string): string {
  return Buffer.from(path, 'utf8').toString('latin1')
}

function lstat(path: string): NarNode {
  const stat = lstatSync(onDisk(path))
  if (stat.isFile())
    return { type: 'regular', executable: (stat.mode & OWNER_MAY_EXECUTE) !== 0, size: stat.size }
  if (stat.isDirectory()) return { type: 'directory' }
  if (stat.isSymbolicLink()) return { type: 'symlink' }
  throw new UnwritableNar(
    `${path} is neither a file nor a directory nor a symbolic link: a NAR cannot hold it`,
  )
}

function open(path: string, size: number): NarFile {
  const file = openSync(onDisk(path), 'r')
  return {
    read:
      size <= SMALL_FILE_BYTES
        ? (into) => readSync(file, into)
        : async (into) => (await readAsync(file, into, 0, into.byteLength, null)).bytesRead,
    close: () => closeSync(file),
  }
}

/** A byte string as Node takes it. Most paths are ASCII, and a string is cheaper than a buffer. */
function onDisk(path: string): string | Buffer {
  return /[\x80-\xff]/.test(path) ? Buffer.from(path, 'latin1') : path
}
