import { closeSync, openSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isStorePath, type StorePath } from '../../nix/store-path.ts'

// 100 ms: what the end of a build may be noticed too late.
const POLL_MILLISECONDS = 100

/**
 * Learns from Nix, while it builds, what is finished. Nix waits for its post-build-hook, and one that takes 2 s turns 1 s of building into 13 (measured, six
 * builds, six jobs): so the hook only appends one line to a file, and everything else happens here.
 */
export class BuildQueue {
  /** the hook's path, for Nix's `post-build-hook` */
  readonly hook: string
  readonly #file: string
  readonly #onBuilt: (drvPath: StorePath) => void
  readonly #poll: NodeJS.Timeout
  #offset = 0

  /** @param folder a folder of its own; Nix's daemon, which runs the hook as root, must be able to read it */
  constructor(folder: string, onBuilt: (drvPath: StorePath) => void) {
    this.hook = join(folder, 'post-build-hook')
    this.#file = join(folder, 'built')
    this.#onBuilt = onBuilt
    writeFileSync(this.#file, '')
    // One short write to a file opened for appending: lines of hooks that run at the same time do not mix. $OUT_PATHS is not used, because 2.8 leaves it empty.
    writeFileSync(this.hook, `#!/bin/sh\nprintf '%s\\n' "$DRV_PATH" >> '${this.#file}'\n`, { mode: 0o755 })
    this.#poll = setInterval(() => this.#drain(), POLL_MILLISECONDS)
  }

  /** Reads what is left, and reads no more. */
  close(): void {
    clearInterval(this.#poll)
    this.#drain()
  }

  #drain(): void {
    const text = readFrom(this.#file, this.#offset)
    const complete = text.slice(0, text.lastIndexOf('\n') + 1)
    this.#offset += Buffer.byteLength(complete)
    for (const line of complete.split('\n')) if (isStorePath(line)) this.#onBuilt(line)
  }
}

function readFrom(path: string, offset: number): string {
  const file = openSync(path, 'r')
  try {
    const chunk = Buffer.alloc(65_536)
    let text = ''
    for (let position = offset; ;) {
      const read = readSync(file, chunk, 0, chunk.length, position)
      if (read === 0) return text
      text += chunk.toString('latin1', 0, read)
      position += read
    }
  } finally {
    closeSync(file)
  }
}
