import { createHash } from 'node:crypto'
import { encodeBase32 } from './base32.ts'
import { parseStorePath, STORE_DIR, type StorePath } from './store-path.ts'

const HASH_BYTES = 20

/**
 * The store path of something that has a type, a SHA-256 and a name: every store path is made like this. The hash part is the SHA-256 of
 * `<type>:sha256:<base16>:/nix/store:<name>`, folded to 160 bits. Source: Nix, src/libstore/store-api.cc, `StoreDirConfig::makeStorePath` and `compressHash`.
 * @param type `source`, `text` or `output:<output>`, with what belongs to it
 * @param sha256 in base16
 * @throws InvalidStorePath for a name that no store path may have
 */
export function makeStorePath(type: string, sha256: string, name: string): StorePath {
  const digest = createHash('sha256').update(`${type}:sha256:${sha256}:${STORE_DIR}:${name}`).digest()
  const folded = new Uint8Array(HASH_BYTES)
  for (const [index, byte] of digest.entries())
    folded[index % HASH_BYTES] = (folded[index % HASH_BYTES] ?? 0) ^ byte
  return parseStorePath(`${STORE_DIR}/${encodeBase32(folded)}-${name}`)
}

/**
 * The path of an input-addressed output: `out` has the derivation's name, every other one a dash and its own behind it.
 * @param sha256 of the derivation modulo its fixed-output inputs, in base16
 * @throws InvalidStorePath
 */
export function makeOutputPath(output: string, sha256: string, derivationName: string): StorePath {
  const name = output === 'out' ? derivationName : `${derivationName}-${output}`
  return makeStorePath(`output:${output}`, sha256, name)
}
