import { createWriteStream, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createZstdCompress } from 'node:zlib'
import { fileSystemNarSource, narPath } from '../../builders/machine/nar-source.ts'
import { Measure } from '../../functions/shared/measure.ts'
import { formatHash } from '../../nix/hash.ts'
import { type NarSource, writeNar } from '../../nix/nar-writer.ts'
import { formatNarInfo } from '../../nix/narinfo.ts'
import { fromBaseName } from '../../nix/store-path.ts'

/**
 * Writes a NAR as a builder stages it, compressed with zstd at its default level, and prints its narinfo. Its content is a folder, as many times as it
 * takes. Arguments: the file, the folder, the least number of bytes.
 */
const [file = '', folder = '', least = '0'] = process.argv.slice(2)
const copies = Math.max(1, Math.ceil(Number(least) / sizeOf(folder)))
const nar = new Measure()
const compressed = new Measure()
await pipeline(
  Readable.from(writeNar('', repeated(narPath(folder), copies)), { objectMode: false }),
  nar,
  createZstdCompress(),
  compressed,
  createWriteStream(file),
)
const fileHash = formatHash({ algorithm: 'sha256', digest: compressed.sha256() })
process.stdout.write(
  formatNarInfo({
    storePath: fromBaseName(`${'0'.repeat(32)}-bench`),
    url: `nar/${fileHash.slice('sha256:'.length)}.nar.zst`,
    compression: 'zstd',
    fileHash,
    fileSize: compressed.bytes,
    narHash: formatHash({ algorithm: 'sha256', digest: nar.sha256() }),
    narSize: nar.bytes,
    references: [],
    signatures: [],
  }),
)

/** A directory whose entries are all the same folder. */
function repeated(original: string, times: number): NarSource {
  const source = fileSystemNarSource({ caseHack: false })
  const behind = (path: string): string => path.replace(/^\/copy-\d+/, () => original)
  return {
    caseHack: false,
    lstat: (path) => (path === '' ? { type: 'directory' } : source.lstat(behind(path))),
    readdir: (path) =>
      path === ''
        ? Array.from({ length: times }, (_, index) => `copy-${index}`)
        : source.readdir(behind(path)),
    readlink: (path) => source.readlink(behind(path)),
    open: (path, size) => source.open(behind(path), size),
  }
}

/** The sum of the sizes of a folder's files; links are not followed, as in a NAR. */
function sizeOf(path: string): number {
  return readdirSync(path, { withFileTypes: true }).reduce((sum, entry) => {
    const below = join(path, entry.name)
    if (entry.isDirectory()) return sum + sizeOf(below)
    return entry.isFile() ? sum + lstatSync(below).size : sum
  }, 0)
}
