import { createHash } from 'node:crypto'
import { formatHash } from './hash.ts'
import { NarReader, type NarVisitor } from './nar-reader.ts'
import { ReferenceScanner } from './reference-scanner.ts'
import { hashPartOf, type StorePath } from './store-path.ts'

/** What the bytes of a NAR prove. */
export interface VerifiedNar {
  /** `sha256:<nix32>` */
  narHash: string
  /** in bytes */
  narSize: number
  /** the candidates that occur in it, sorted */
  references: StorePath[]
}

export interface NarVerification {
  /** the most bytes that the NAR may have: what its narinfo says, or a limit against decompression bombs */
  maxSize: number
  /** the paths that it may refer to; two with the same hash part are found together */
  candidates: Iterable<StorePath>
  /** who wants to see its entries, or the contents of its files */
  visitor?: NarVisitor
}

/** More bytes came than the NAR may have. */
export class NarTooLarge extends Error {
  override name = 'NarTooLarge'
  constructor(maxSize: number) {
    super(`the NAR has more than the ${maxSize} bytes that it may have`)
  }
}

/**
 * Reads a NAR once and returns its hash, its size and its references; checks on the way that it is well formed. Memory does not grow with it.
 * @throws InvalidNar, NarTooLarge, and what the source of the bytes throws
 */
export async function verifyNar(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { maxSize, candidates, visitor }: NarVerification,
): Promise<VerifiedNar> {
  const paths = [...new Set(candidates)]
  const hash = createHash('sha256')
  const reader = new NarReader(visitor)
  const scanner = new ReferenceScanner(paths.map(hashPartOf))
  let narSize = 0
  for await (const chunk of bytes) {
    narSize += chunk.length
    if (narSize > maxSize) throw new NarTooLarge(maxSize)
    reader.write(chunk)
    hash.update(chunk)
    scanner.write(chunk)
  }
  reader.end()
  const found = scanner.found()
  return {
    narHash: formatHash({ algorithm: 'sha256', digest: hash.digest() }),
    narSize,
    references: paths.filter((path) => found.has(hashPartOf(path))).sort(),
  }
}
