import { type IngestionMethod, makeFixedOutputPath } from './content-address.ts'
import { type Derivation, type DerivationOutput, derivationNameOf } from './derivation.ts'
import type { Unsupported } from './derivation-file.ts'
import { type Hash, InvalidHash, isHashAlgorithm, parseHash } from './hash.ts'
import type { StorePath } from './store-path.ts'

/** How the outputs of a derivation get their paths: from its inputs, or the one from its declared hash. */
export type OutputKind = { kind: 'input-addressed' } | { kind: 'fixed'; path: StorePath; hash: string }

/** A derivation that Nix would not register: what it says of its outputs or inputs cannot be. */
export class ForgedOutputs extends Error {
  override name = 'ForgedOutputs'
  constructor(path: StorePath, reason: string) {
    super(`${path}: ${reason}`)
  }
}

/**
 * How the outputs of the derivation at a path get theirs. For a fixed output: its path, and the text that is hashed in its stead where it is an input.
 * Source: Nix, src/libstore/derivations.cc, `BasicDerivation::type` and `hashDerivationModulo`.
 * @throws ForgedOutputs for outputs that Nix does not allow together
 */
export function outputKindOf(
  path: StorePath,
  { outputs }: Pick<Derivation, 'outputs'>,
): OutputKind | Unsupported {
  const kinds = new Set(Object.values(outputs).map(kindOf))
  const [kind, another] = kinds
  if (kind === undefined) throw new ForgedOutputs(path, 'it has no outputs')
  if (another !== undefined) throw new ForgedOutputs(path, `it has outputs that are ${kind} and ${another}`)
  if (kind === 'input-addressed') return { kind }
  if (kind !== 'fixed') return { unsupported: kind }
  const { out } = outputs
  if (out === undefined || Object.keys(outputs).length > 1)
    throw new ForgedOutputs(path, `a fixed output is the only one, and is called 'out'`)
  return fixedOutput(path, out)
}

function kindOf({
  path,
  hashAlgo,
  hash,
}: DerivationOutput): 'impure' | 'fixed' | 'floating content-addressed' | 'deferred' | 'input-addressed' {
  if (hash === 'impure') return 'impure'
  if (hash !== '') return 'fixed'
  if (hashAlgo !== '') return 'floating content-addressed'
  return path === '' ? 'deferred' : 'input-addressed'
}

function fixedOutput(
  path: StorePath,
  { hashAlgo, hash: base16 }: DerivationOutput,
): OutputKind | Unsupported {
  const method: IngestionMethod = hashAlgo.startsWith('r:') ? 'recursive' : 'flat'
  const algorithm = method === 'recursive' ? hashAlgo.slice('r:'.length) : hashAlgo
  if (!isHashAlgorithm(algorithm)) return { unsupported: `fixed output with the hash ${hashAlgo}` }
  const output = makeFixedOutputPath(derivationNameOf(path), method, readBase16(path, base16, algorithm))
  return { kind: 'fixed', path: output, hash: `fixed:out:${hashAlgo}:${base16}:${output}` }
}

function readBase16(path: StorePath, base16: string, algorithm: Hash['algorithm']): Hash {
  try {
    const hash = parseHash(base16, algorithm)
    if (Buffer.from(hash.digest).toString('hex') === base16) return hash
  } catch (error) {
    if (!(error instanceof InvalidHash)) throw error
  }
  throw new ForgedOutputs(path, `'${base16}' is no ${algorithm} in base16`)
}
