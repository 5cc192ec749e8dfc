import { createWriteStream, existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { stripVTControlCharacters } from 'node:util'
import { constants, createBrotliCompress } from 'node:zlib'
import { stagedKeys } from '../../functions/shared/keys.ts'
import { baseNameOf, hashPartOf, type StorePath } from '../../nix/store-path.ts'
import { Measure } from '../../functions/shared/measure.ts'
import { options } from '../machine/nix-command.ts'
import { eachLine, startProcess } from '../machine/processes.ts'
import type { Parcels } from '../machine/parcels.ts'
import { stageFile, type Staging } from '../machine/staging.ts'

const TAIL_LINES = 50
// What 50 lines may have, so that one line without end does not fill a report.
const TAIL_BYTES = 16_384

// Measured on text and programs: quality 5 leaves 29.5 % at 44 MB/s, 9 leaves 28.3 % at 9 MB/s.
const BROTLI_QUALITY = 5

// 128 KiB: below it a request costs more than the bytes.
const SMALL_FILE = 128 * 1024

/**
 * Stages the log of a build, whatever its size, as `nix log` reads it from a cache: brotli, which Nix's HTTP client undoes by itself.
 * @returns its last lines; undefined when Nix kept no log, as for a path that was not built here
 */
export async function stageLog(
  staging: Staging,
  drvPath: StorePath,
  { parcels, folder, environment }: { parcels: Parcels; folder: string; environment: Record<string, string> },
): Promise<string[] | undefined> {
  if (hasNoLog(drvPath)) return undefined
  const path = join(folder, `${hashPartOf(drvPath)}.log.br`)
  const child = startProcess('nix-store', [...options({ substituters: '' }), '--read-log', drvPath], {
    environment,
  })
  const tail = new Tail()
  const file = new Measure()
  try {
    const [ending] = await Promise.all([
      child.ended,
      pipeline(
        child.stdout,
        tail,
        createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
        file,
        createWriteStream(path),
      ),
      // "build log of derivation … is not available" is all that it ever says.
      eachLine(child.stderr, () => {}),
    ])
    if (ending.status !== 0) return undefined
    const key = stagedKeys.log(staging.prefix, baseNameOf(drvPath))
    if (file.bytes <= SMALL_FILE) parcels.add(key, await readFile(path))
    else
      await stageFile(
        staging,
        key,
        { path, bytes: file.bytes, sha256: file.sha256() },
        { type: 'text/plain; charset=utf-8', encoding: 'br' },
      )
    return tail.lines()
  } finally {
    await rm(path, { force: true })
  }
}

// Where Nix keeps logs, unless it was compiled for another place. Source: Nix, src/libstore/local-fs-store.cc, `LocalFSStore::getBuildLog`.
const LOGS = '/nix/var/log/nix/drvs'

/** Whether a look is enough to know it: a process that says so takes 15 ms, more than the rest of a small path. */
function hasNoLog(drvPath: StorePath): boolean {
  const base = baseNameOf(drvPath)
  const names = [`${base.slice(0, 2)}/${base.slice(2)}`, base].flatMap((name) => [name, `${name}.bz2`])
  return existsSync(LOGS) && !names.some((name) => existsSync(join(LOGS, name)))
}

/** Passes a text on and keeps its end. */
class Tail extends Transform {
  #end: Buffer = Buffer.alloc(0)

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error: null, chunk: Buffer) => void,
  ): void {
    this.#end = Buffer.concat([this.#end, chunk]).subarray(-TAIL_BYTES)
    done(null, chunk)
  }

  lines(): string[] {
    const text = stripVTControlCharacters(this.#end.toString('utf8')).replace(/\r?\n$/, '')
    return text === '' ? [] : text.split(/\r?\n/).slice(-TAIL_LINES)
  }
}
