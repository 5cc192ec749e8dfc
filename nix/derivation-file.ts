import { isAscii } from 'node:buffer'
import { createHash } from 'node:crypto'
import { makeTextPath } from './content-address.ts'
import { DerivationText } from './derivation-text.ts'
import {
  type Derivation,
  InvalidDerivation,
  isDynamicDerivation,
  parseDerivation,
  referencesOf,
} from './derivation.ts'
import { nameOf, type StorePath } from './store-path.ts'

/** What a `.drv` file says, and its text, of which its own path and those of its outputs are made. */
export interface DerivationFile extends Derivation {
  text: DerivationText
}

/** What Nix may know how to build, and Hearth does not; `unsupported` says why, in Nix's words. */
export interface Unsupported {
  unsupported: string
}

/** Tells what is unsupported from what was to be there instead of it. */
export function isUnsupported(value: object): value is Unsupported {
  return 'unsupported' in value
}

/** A `.drv` file that is not the one that its store path names. */
export class ForgedDerivation extends Error {
  override name = 'ForgedDerivation'
  constructor(path: StorePath, reason: string) {
    super(`${path} is not the derivation that its path names: ${reason}`)
  }
}

/**
 * Reads a `.drv` file of which hashes are to be made. Dynamic derivations are unsupported.
 * @throws InvalidDerivation when it is not what Nix would have written
 */
export function parseDerivationFile(bytes: Uint8Array): DerivationFile | Unsupported {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  if (isDynamicDerivation(text)) return { unsupported: 'dynamic derivation' }
  // One string serves both, unless the file has characters of more than one byte.
  const drv = parseDerivation(isAscii(bytes) ? text : bytes)
  return { ...drv, text: new DerivationText(text) }
}

/**
 * Checks that a `.drv` file is the one that its store path names, and reads it: the path is made of all bytes of the file, of its references and its name.
 * @param references what the file is said to refer to
 * @throws ForgedDerivation for other contents, other references or another name; what cannot be read is forged, too
 */
export function checkDerivation(
  path: StorePath,
  bytes: Uint8Array,
  references: Iterable<StorePath>,
): DerivationFile | Unsupported {
  const declared = [...new Set(references)].sort()
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const recomputed = makeTextPath(nameOf(path), sha256, declared)
  if (recomputed !== path)
    throw new ForgedDerivation(path, `its contents and references are those of ${recomputed}`)
  if (!path.endsWith('.drv')) throw new ForgedDerivation(path, 'its name does not end in .drv')
  const drv = read(path, bytes)
  if (!isUnsupported(drv) && referencesOf(drv).join() !== declared.join())
    throw new ForgedDerivation(path, 'it does not refer to its inputs and sources')
  return drv
}

function read(path: StorePath, bytes: Uint8Array): DerivationFile | Unsupported {
  try {
    return parseDerivationFile(bytes)
  } catch (error) {
    if (error instanceof InvalidDerivation) throw new ForgedDerivation(path, error.message)
    throw error
  }
}
