import { type Derivation, isFixedOutput } from './derivation.ts'
import { type HashAlgorithm, isHashAlgorithm, parseHash } from './hash.ts'

/** The content that a fixed-output derivation must have. */
export interface FixedOutput {
  algorithm: HashAlgorithm
  /** base16 */
  hash: string
  /** of the file's bytes, or of its NAR */
  method: 'flat' | 'recursive'
}

/**
 * What the one output of a fixed-output derivation must hash to; undefined for any other derivation (the hash of an impure one is the word `impure`), and for hashes that Hearth does not support
 * (whose output path is not recomputed either). In a `.drv` file the algorithm is `sha256` or, of a NAR, `r:sha256`. Source: Nix, src/libstore/derivations.cc,
 * `parseDerivationOutput`.
 */
export function fixedOutputOf(drv: Pick<Derivation, 'outputs'>): FixedOutput | undefined {
  const output = drv.outputs['out']
  if (output === undefined || !isFixedOutput(drv) || output.hashAlgo === '') return undefined
  const recursive = output.hashAlgo.startsWith('r:')
  const algorithm = recursive ? output.hashAlgo.slice(2) : output.hashAlgo
  if (!isHashAlgorithm(algorithm)) return undefined
  const { digest } = parseHash(output.hash, algorithm)
  return { algorithm, hash: Buffer.from(digest).toString('hex'), method: recursive ? 'recursive' : 'flat' }
}
