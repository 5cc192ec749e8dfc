import { contentAddressOf } from './content-address.ts'
import {
  checkDerivation,
  type DerivationFile,
  ForgedDerivation,
  type Unsupported,
} from './derivation-file.ts'
import { type ArchivedPath, readExportArchive } from './export-archive.ts'
import { formatHash } from './hash.ts'
import type { StorePath } from './store-path.ts'

/** A source whose content address was proved. */
export interface ArchivedSource {
  /** `sha256:<nix32>` */
  narHash: string
  /** in bytes */
  narSize: number
  /** sorted; with itself when it refers to itself */
  references: StorePath[]
  /** in the form of a narinfo's `CA` */
  contentAddress: string
}

/** What an archive proves. */
export interface VerifiedArchive {
  derivations: Map<StorePath, DerivationFile | Unsupported>
  sources: Map<StorePath, ArchivedSource>
}

export interface VerificationLimits {
  /** of the archive as `nix-store --export` writes it, in bytes */
  maxSize: number
  /** of all derivations together, in bytes: they are kept in memory */
  maxDerivations: number
}

/** A path in an archive that an importing Nix would take, and that nothing proves. */
export class UnprovenPath extends Error {
  override name = 'UnprovenPath'
  constructor(path: StorePath, reason: string) {
    super(`${path} cannot be accepted from an archive: ${reason}`)
  }
}

/** An archive has more derivations than fit into memory. */
export class TooManyDerivations extends Error {
  override name = 'TooManyDerivations'
  constructor(maxDerivations: number) {
    super(
      `the derivations of the archive have more than the ${maxDerivations} bytes that they may have together`,
    )
  }
}

/**
 * Reads an archive of `nix-store --export` that nobody vouches for, and accepts nothing that it does not prove itself: derivations whose path is that of
 * their contents, and sources that have a content address. (`nix-store --import` would take any path with any contents.) Each path comes once,
 * and everything that it refers to before it, which is what an import needs. Memory: the derivations, and one more path of 16 MiB at most.
 * @throws ForgedDerivation, UnprovenPath, InvalidArchive, ArchiveTooLarge, TooManyDerivations, and what the source of the bytes throws
 */
export async function verifyArchive(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { maxSize, maxDerivations }: VerificationLimits,
): Promise<VerifiedArchive> {
  const archive: VerifiedArchive = { derivations: new Map(), sources: new Map() }
  let size = 0
  for await (const archived of readExportArchive(bytes, { maxSize })) {
    const { path, contents } = archived
    checkPlace(archived, archive)
    if (path.endsWith('.drv')) {
      size += contents.size
      if (size > maxDerivations) throw new TooManyDerivations(maxDerivations)
      archive.derivations.set(path, readDerivation(archived))
    } else archive.sources.set(path, proveSource(archived))
  }
  return archive
}

/** Checks that a path comes once, and that what it refers to has come. */
function checkPlace({ path, references }: ArchivedPath, { derivations, sources }: VerifiedArchive): void {
  const isThere = (other: StorePath): boolean => derivations.has(other) || sources.has(other)
  if (isThere(path)) throw new UnprovenPath(path, 'it is there twice')
  for (const reference of references) {
    if (reference !== path && !isThere(reference))
      throw new UnprovenPath(path, `it refers to ${reference}, which does not come before it`)
  }
}

function readDerivation({ path, references, contents }: ArchivedPath): DerivationFile | Unsupported {
  const file = contents.file()
  if (file === undefined) throw new ForgedDerivation(path, 'it is no single file, executable, or too large')
  return checkDerivation(path, file, references)
}

function proveSource({ path, references, contents }: ArchivedPath): ArchivedSource {
  const address = contentAddressOf(path, references, contents)
  if (address === undefined) {
    throw new UnprovenPath(
      path,
      'neither its contents nor its references make its path: it is input-addressed, or it is forged',
    )
  }
  const narHash = formatHash(contents.hashNar('sha256'))
  return { narHash, narSize: contents.size, references, contentAddress: address }
}
