import type { StorePath } from './store-path.ts'

/** One store path as an archive of `nix-store --export` has it: what stands before its contents, and what behind. Source: Nix, `Store::exportPath`. */

/** What stands before a path's NAR: that one follows. */
export const PATH_FOLLOWS: Buffer = number(1)

/** What stands at the end: that none follows. */
export const END_OF_EXPORT: Buffer = number(0)

// "NIXE". Source: Nix, src/libstore/export-import.cc, `exportMagic`.
const MAGIC = number(0x4558494e)
const NO_DERIVER = text('')
const NOT_SIGNED = number(0)

/**
 * What stands behind a path's NAR. The deriver is left out: derivations and sources have none.
 * @param references each once, in any order
 */
export function behindNar(path: StorePath, references: Iterable<StorePath>): Buffer {
  const sorted = [...references].toSorted()
  return Buffer.concat([
    MAGIC,
    text(path),
    number(sorted.length),
    ...sorted.map(text),
    NO_DERIVER,
    NOT_SIGNED,
  ])
}

// Source: Dolstra's thesis, figure 5.2.
const BEFORE_CONTENTS = Buffer.concat(
  ['nix-archive-1', '(', 'type', 'regular', 'contents'].map((word) => text(word)),
)
const BEHIND_CONTENTS = text(')')

/** The NAR of a single file that is not executable, such as a derivation. */
export function narOfFile(contents: Uint8Array): Buffer {
  const padding = Buffer.alloc(-contents.length & 7)
  return Buffer.concat([BEFORE_CONTENTS, number(contents.length), contents, padding, BEHIND_CONTENTS])
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(value)
  return bytes
}

/** A text of ASCII: its length, and zeros up to a multiple of 8. */
function text(value: string): Buffer {
  const bytes = Buffer.alloc(8 + value.length + (-value.length & 7))
  bytes.writeUInt32LE(value.length)
  bytes.write(value, 8, 'latin1')
  return bytes
}
