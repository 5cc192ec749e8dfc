/**
 * What a NAR says of one file system object. Paths and names are byte strings, one character (U+0000 to U+00FF) per byte: a Unix file name is bytes, and a
 * NAR holds it as it is, in the order of its bytes.
 */
export type NarNode =
  | { type: 'directory' }
  | { type: 'symlink' }
  | { type: 'regular'; executable: boolean; size: number }

/** An open file: its bytes in order. */
export interface NarFile {
  /** Fills the start of `into`; the number of bytes, 0 at the end. Small files answer at once, without a trip around the event loop. */
  read(into: Uint8Array): number | Promise<number>
  close(): void
}

/** Where a tree is read from. `fileSystemNarSource`, among the builders, is that of this machine. */
export interface NarSource {
  /** @throws an error of the source for what a NAR cannot hold: sockets, devices */
  lstat(path: string): NarNode
  /** the names in a directory, in any order, without `.` and `..` */
  readdir(path: string): string[]
  readlink(path: string): string
  open(path: string, size: number): NarFile
  /** True when this tree was unpacked by Nix with `use-case-hack`, which is on by default on macOS: names lose the suffix that Nix gave them. */
  caseHack: boolean
}

/** A tree that cannot be written as a NAR, or changed while it was read. */
export class UnwritableNar extends Error {
  override name = 'UnwritableNar'
}

/** What Nix appends, with a number, to a name that differs from another one in case only. Source: Nix, `caseHackSuffix`. */
export const CASE_HACK_SUFFIX = '~nix~case~hack~'

// Large enough that a consumer (hash, zstd, socket) is called rarely, small enough that several in flight do not matter.
const CHUNK_BYTES = 256 * 1024
// The first: most NARs are those of scripts and small libraries, and for thousands of them large buffers cost more than the bytes.
const FIRST_CHUNK_BYTES = 24 * 1024
// Contents fill a chunk up to its end; the words of one object go behind it: a name (255 bytes), a target (4,095) and some twenty short ones.
const RESERVE_BYTES = 8 * 1024
const MAX_WORD_BYTES = 4095

/**
 * Writes a tree as a NAR, byte for byte as `nix-store --dump` does. Chunks have about 256 KiB, each a fresh buffer that the consumer may keep; small files and the
 * words between them share one; the first is smaller. Source: Dolstra's thesis, figure 5.2, and Nix, src/libutil/archive.cc.
 * @param root path of the tree, a byte string
 * @throws UnwritableNar, and what the source throws
 */
export async function* writeNar(root: string, source: NarSource): AsyncGenerator<Uint8Array, void, void> {
  const chunk = new Chunk()
  chunk.word('nix-archive-1')
  // What is still to be written, the next one last: an entry, or the word that closes its directory.
  const rest: (Entry | Closing)[] = [{ path: root, name: undefined }]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if ('closing' in next) {
      chunk.words(next.closing)
    } else {
      if (next.name !== undefined) chunk.words(['entry', '(', 'name', next.name, 'node'])
      const node = source.lstat(next.path)
      if (node.type === 'regular') yield* writeFile(next.path, node, source, chunk)
      if (node.type === 'symlink')
        chunk.words(['(', 'type', 'symlink', 'target', source.readlink(next.path), ')'])
      if (node.type === 'directory') chunk.words(['(', 'type', 'directory'])
      const closing = [...(node.type === 'directory' ? [')'] : []), ...(next.name === undefined ? [] : [')'])]
      rest.push({ closing })
      if (node.type === 'directory') for (const entry of entriesOf(next.path, source)) rest.push(entry)
    }
    if (chunk.isHalfFull) yield chunk.take()
  }
  if (chunk.length > 0) yield chunk.last()
}

interface Entry {
  path: string
  /** absent for the root, which has none */
  name: string | undefined
}

interface Closing {
  closing: string[]
}

async function* writeFile(
  path: string,
  node: NarNode & { type: 'regular' },
  source: NarSource,
  chunk: Chunk,
): AsyncGenerator<Uint8Array, void, void> {
  chunk.words(['(', 'type', 'regular', ...(node.executable ? ['executable', ''] : []), 'contents'])
  chunk.number(node.size)
  const file = source.open(path, node.size)
  try {
    for (let left = node.size; left > 0;) {
      if (chunk.room(left).length === 0) yield chunk.take()
      const answer = file.read(chunk.room(left))
      const read = typeof answer === 'number' ? answer : await answer
      if (read === 0) throw new UnwritableNar(`${path} became ${left} bytes shorter while it was read`)
      chunk.advance(read)
      left -= read
    }
  } finally {
    file.close()
  }
  chunk.pad(node.size)
  chunk.word(')')
}

/** The entries of a directory, the last in the order of a NAR first. */
function entriesOf(path: string, source: NarSource): Entry[] {
  const entries = source.readdir(path).map((onDisk) => ({
    path: `${path}/${onDisk}`,
    name: source.caseHack ? (onDisk.split(CASE_HACK_SUFFIX, 1)[0] ?? '') : onDisk,
  }))
  entries.sort((a, b) => (a.name > b.name ? -1 : 1))
  for (const [index, entry] of entries.entries()) {
    const before = entries[index - 1]
    if (before?.name === entry.name) {
      throw new UnwritableNar(
        `${before.path} and ${entry.path} have the same name without Nix's case-hack suffix`,
      )
    }
  }
  return entries
}

/** The buffer that the NAR is written into. */
class Chunk {
  length = 0
  #size = FIRST_CHUNK_BYTES
  #buffer = Buffer.allocUnsafeSlow(FIRST_CHUNK_BYTES + RESERVE_BYTES)

  get isHalfFull(): boolean {
    return this.length > this.#size / 2
  }

  /** Where file contents may be written, then confirmed by `advance`; empty when the chunk is full. */
  room(most: number): Uint8Array {
    return this.#buffer.subarray(this.length, Math.max(this.length, Math.min(this.length + most, this.#size)))
  }

  advance(bytes: number): void {
    this.length += bytes
  }

  words(words: string[]): void {
    for (const word of words) this.word(word)
  }

  /** Its length as 64 bits little-endian, its bytes, zeros up to a multiple of 8. */
  word(word: string): void {
    if (word.length > MAX_WORD_BYTES) {
      throw new UnwritableNar(
        `a name or the target of a link has ${word.length} bytes, and Nix reads ${MAX_WORD_BYTES}`,
      )
    }
    this.number(word.length)
    this.length += this.#buffer.write(word, this.length, 'latin1')
    this.pad(word.length)
  }

  number(value: number): void {
    this.#buffer.writeUInt32LE(value % 2 ** 32, this.length)
    this.length = this.#buffer.writeUInt32LE(Math.floor(value / 2 ** 32), this.length + 4)
  }

  /** Zeros up to the next multiple of 8. */
  pad(length: number): void {
    const end = this.length + (-length & 7)
    this.#buffer.fill(0, this.length, end)
    this.length = end
  }

  /** What was written; the next bytes go into a fresh buffer. */
  take(): Uint8Array {
    const taken = this.last()
    this.#size = CHUNK_BYTES
    this.#buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES + RESERVE_BYTES)
    this.length = 0
    return taken
  }

  /** What was written, when nothing more is going to be. */
  last(): Uint8Array {
    return this.#buffer.subarray(0, this.length)
  }
}
