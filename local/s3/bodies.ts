import { randomBytes } from 'node:crypto'
import { createReadStream, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs'
import { open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { ByteRange } from './range.ts'
import { SmallBodies } from './small-bodies.ts'

// 16 KiB: narinfos, records and most NARs of scripts. Larger ones are files, which SQLite would be slower at.
const SMALL = 16 * 1024
const SMALL_NAME = 'small/'
const READ_AHEAD = 256 * 1024

/**
 * The bodies of objects and parts: one file each, or one row for a small one, never changed once it is written, named at random or by its number. The index says which object
 * has which body, so a body exists for clients from the moment a row of the index names it, and bodies that no row names are left-overs of a crash or of a
 * refused write.
 */
export class Bodies {
  private readonly folder: string
  private readonly small: SmallBodies

  /** @throws when another process has the folder open */
  constructor(folder: string) {
    this.folder = folder
    // 256 folders, so that none gets more than some thousand files.
    for (let byte = 0; byte < 256; byte++) {
      mkdirSync(join(folder, byte.toString(16).padStart(2, '0')), { recursive: true })
    }
    this.small = new SmallBodies(folder)
  }

  /** Makes a new body of what `produce` writes; when that fails, none is left. */
  async write<T>(
    produce: (write: (piece: Buffer) => Promise<void> | void) => Promise<T>,
  ): Promise<T & { file: string }> {
    const pieces: Buffer[] = []
    let size = 0
    let large: { file: string; handle: FileHandle } | undefined
    const write = (piece: Buffer): Promise<void> | void => {
      size += piece.length
      if (large !== undefined) return large.handle.writeFile(piece)
      pieces.push(piece)
      if (size > SMALL) return spill()
    }
    const spill = async (): Promise<void> => {
      large = await this.create()
      for (const piece of pieces.splice(0)) await large.handle.writeFile(piece)
    }
    try {
      const produced = await produce(write)
      return { ...produced, file: large?.file ?? this.addSmall(pieces) }
    } catch (error) {
      if (large !== undefined) await this.remove(large.file)
      throw error
    } finally {
      await large?.handle.close()
    }
  }

  /** The whole body, when it is a small one. */
  whole(file: string): Buffer | undefined {
    return file.startsWith(SMALL_NAME) ? this.small.get(numberOf(file)) : undefined
  }

  /**
   * Opens a body for reading. At once, so that nothing can come between reading the index and opening; from then on the body can be read
   * to its end even when it is removed meanwhile.
   * @returns a file descriptor that the caller closes
   */
  open(file: string): number {
    return openSync(join(this.folder, file), 'r')
  }

  /** The pieces of a body, or of a range of it, opened at once. */
  read(file: string, range?: ByteRange): Readable {
    const small = this.whole(file)
    if (small === undefined)
      return createReadStream('', { fd: this.open(file), ...range, highWaterMark: READ_AHEAD })
    const { start, end } = range ?? { start: 0, end: small.length - 1 }
    return Readable.from([small.subarray(start, end + 1)])
  }

  async remove(file: string): Promise<void> {
    if (file.startsWith(SMALL_NAME)) this.small.remove(numberOf(file))
    else await rm(join(this.folder, file), { force: true })
  }

  /** Removes every body that the index does not name. Only at start, when nothing is being written. */
  sweep(isNamed: (file: string) => boolean): void {
    for (const entry of readdirSync(this.folder, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue
      for (const name of readdirSync(join(this.folder, entry.name))) {
        const file = `${entry.name}/${name}`
        if (!isNamed(file)) rmSync(join(this.folder, file))
      }
    }
    for (const number of this.small.numbers())
      if (!isNamed(`${SMALL_NAME}${number}`)) this.small.remove(number)
  }

  close(): void {
    this.small.close()
  }

  private async create(): Promise<{ file: string; handle: FileHandle }> {
    const name = randomBytes(16).toString('hex')
    const file = `${name.slice(0, 2)}/${name.slice(2)}`
    return { file, handle: await open(join(this.folder, file), 'wx') }
  }

  private addSmall(pieces: Buffer[]): string {
    return `${SMALL_NAME}${this.small.add(Buffer.concat(pieces))}`
  }
}

/** The number of a small body, from its name. */
function numberOf(file: string): number {
  return Number(file.slice(SMALL_NAME.length))
}
