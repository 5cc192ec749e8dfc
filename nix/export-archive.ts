import { ArchiveInput } from './archive-input.ts'
import { NarContents } from './nar-contents.ts'
import { InvalidNar } from './nar-reader.ts'
import { InvalidStorePath, parseStorePath, type StorePath } from './store-path.ts'

export { ArchiveTooLarge, InvalidArchive } from './archive-input.ts'

/** One store path of an archive. */
export interface ArchivedPath {
  path: StorePath
  /** sorted, each once; with the path itself when it refers to itself */
  references: StorePath[]
  deriver: StorePath | undefined
  contents: NarContents
}

export interface ArchiveLimits {
  /** of the whole archive, in bytes; against decompression bombs */
  maxSize: number
  /** of one NAR that is kept whole in memory, in bytes; larger ones stream by */
  maxKept?: number
}

// Nix, src/libstore/export-import.cc, `exportMagic`: "NIXE".
const MAGIC = 0x4558494e
// The longest store path: the store directory, a slash, 32 digits, a dash, and a name of 211 characters.
const MAX_PATH_BYTES = '/nix/store/'.length + 32 + 1 + 211
// Nix has written no signatures since 2.0; those of before had less than 1 KiB.
const MAX_SIGNATURE_BYTES = 4096
// What refers to more is no derivation: nixpkgs has some 100,000 packages.
const MAX_REFERENCES = 100_000
// Contents of larger derivations than this are not seen in the wild: 1,000 times the usual size, and more.
const MAX_KEPT = 16 * 2 ** 20

/**
 * Reads what `nix-store --export` writes: for each path a 1, its NAR, a magic number, its name, references and deriver, and a flag for a signature; at the end
 * a 0. Numbers have 8 bytes, little-endian; texts their length before them, and zeros behind them up to a multiple of 8. One path is in memory at
 * a time, and of its NAR at most `maxKept` bytes. Nothing is proved: an archive says of itself what it likes.
 * Source: Nix, src/libstore/export-import.cc, `Store::exportPath` and `Store::importPaths`.
 * @throws InvalidArchive with the offset, for all that Nix does not write; ArchiveTooLarge; what the source of the bytes throws
 */
export async function* readExportArchive(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { maxSize, maxKept = MAX_KEPT }: ArchiveLimits,
): AsyncGenerator<ArchivedPath, void> {
  const input = new ArchiveInput(bytes, maxSize)
  try {
    while (await nextPathFollows(input)) yield await readPath(input, maxKept)
    await input.end()
  } finally {
    await input.close()
  }
}

async function nextPathFollows(input: ArchiveInput): Promise<boolean> {
  const mark = await input.number()
  if (mark > 1) input.fail(`1 and a path, or 0 at the end, was expected, found ${mark}`)
  return mark === 1
}

async function readPath(input: ArchiveInput, maxKept: number): Promise<ArchivedPath> {
  const contents = await readNar(input, maxKept)
  const magic = await input.number()
  if (magic !== MAGIC) input.fail(`${MAGIC} was expected behind the NAR, found ${magic}`)
  const path = await readStorePath(input)
  const references = await readReferences(input)
  const deriver = await input.text(MAX_PATH_BYTES)
  const archived = {
    path,
    references,
    deriver: deriver === '' ? undefined : toStorePath(input, deriver),
    contents,
  }
  const signed = await input.number()
  if (signed > 1) input.fail(`0 or 1 was expected as the flag for a signature, found ${signed}`)
  if (signed === 1) await input.text(MAX_SIGNATURE_BYTES)
  return archived
}

async function readNar(input: ArchiveInput, maxKept: number): Promise<NarContents> {
  const contents = new NarContents(maxKept)
  const start = input.offset
  try {
    while (!contents.complete) input.skip(contents.take(await input.available()))
  } catch (error) {
    if (error instanceof InvalidNar) input.fail(error.message, start + error.offset)
    throw error
  }
  return contents
}

async function readReferences(input: ArchiveInput): Promise<StorePath[]> {
  const count = await input.number()
  if (count > MAX_REFERENCES) input.fail(`${count} references, and ${MAX_REFERENCES} are allowed`)
  const references: StorePath[] = []
  for (let index = 0; index < count; index++) {
    const last = references.at(-1)
    const reference = await readStorePath(input)
    if (last !== undefined && reference <= last) input.fail(`${reference} does not sort after ${last}`)
    references.push(reference)
  }
  return references
}

async function readStorePath(input: ArchiveInput): Promise<StorePath> {
  return toStorePath(input, await input.text(MAX_PATH_BYTES))
}

function toStorePath(input: ArchiveInput, text: string): StorePath {
  try {
    return parseStorePath(text)
  } catch (error) {
    if (error instanceof InvalidStorePath) return input.fail(error.message)
    throw error
  }
}
