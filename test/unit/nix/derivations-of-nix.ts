import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseStorePath, type StorePath } from '../../../nix/store-path.ts'

/**
 * Derivations that Nix 2.34.8 made of `test/local/nix/output-paths.nix` (2.8.0 makes the same, without the experimental ones): in the file, each path stands on a
 * line, and what is in its `.drv` file on the next.
 */
export const DERIVATIONS_OF_NIX: ReadonlyMap<StorePath, Buffer> = read()

/** The only derivation with this name, and its file as a byte string. */
export function derivationOfNix(name: string): [path: StorePath, text: string] {
  const found = [...DERIVATIONS_OF_NIX].filter(([path]) => path.slice(44) === `${name}.drv`)
  if (found[0] === undefined || found.length > 1) throw new Error(`${found.length} derivations ${name}`)
  return [found[0][0], found[0][1].toString('latin1')]
}

function read(): Map<StorePath, Buffer> {
  const derivations = new Map<StorePath, Buffer>()
  const lines = readFileSync(join(import.meta.dirname, 'derivations-of-nix.txt'), 'latin1').split('\n')
  for (let line = 0; line + 1 < lines.length; line += 2)
    derivations.set(parseStorePath(lines[line] ?? ''), Buffer.from(lines[line + 1] ?? '', 'latin1'))
  return derivations
}
