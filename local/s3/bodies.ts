import { randomBytes } from 'node:crypto'
import { mkdirSync, openSync, readdirSync, rmSync } from 'node:fs'
import { open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The bodies of objects and parts: one file each, never changed once it is written, named at random. The index says which object has which
 * body, so a body exists for clients from the moment a row names it, and files that no row names are left-overs of a crash or of a refused
 * write.
 */
export class Bodies {
  private readonly folder: string

  constructor(folder: string) {
    this.folder = folder
    // 256 folders, so that none gets more than some thousand files.
    for (let byte = 0; byte < 256; byte++) {
      mkdirSync(join(folder, byte.toString(16).padStart(2, '0')), { recursive: true })
    }
  }

  /** A new file to write a body to. */
  async create(): Promise<{ file: string; handle: FileHandle }> {
    const name = randomBytes(16).toString('hex')
    const file = `${name.slice(0, 2)}/${name.slice(2)}`
    return { file, handle: await open(join(this.folder, file), 'wx') }
  }

  /**
   * Opens a body for reading. At once, so that nothing can come between reading the index and opening; from then on the body can be read
   * to its end even when it is removed meanwhile.
   * @returns a file descriptor that the caller closes
   */
  open(file: string): number {
    return openSync(join(this.folder, file), 'r')
  }

  async remove(file: string): Promise<void> {
    await rm(join(this.folder, file), { force: true })
  }

  /** Removes every file that the index does not name. Only at start, when nothing is being written. */
  sweep(isNamed: (file: string) => boolean): void {
    for (const folder of readdirSync(this.folder)) {
      for (const name of readdirSync(join(this.folder, folder))) {
        const file = `${folder}/${name}`
        if (!isNamed(file)) rmSync(join(this.folder, file))
      }
    }
  }
}
