import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isUnsupported, parseDerivationFile } from '../../nix/derivation-file.ts'
import { baseNameOf, fromBaseName, nameOf, STORE_DIR, type StorePath } from '../../nix/store-path.ts'

/** An output of a derivation. */
export interface Made {
  drvPath: StorePath
  output: string
}

/**
 * The derivation in the store that makes an output, which need not be there itself: Nix knows the deriver of what is valid only. An output's name begins with
 * its derivation's, so few files are read.
 * @param folder of the store
 * @returns undefined when no derivation in the store makes it
 */
export async function findMaker(path: StorePath, folder: string = STORE_DIR): Promise<Made | undefined> {
  const name = nameOf(path)
  for (const file of await readdir(folder)) {
    // 33: the hash part and its dash
    if (!file.endsWith('.drv') || !name.startsWith(file.slice(33, -'.drv'.length))) continue
    const drvPath = fromBaseName(file)
    const derivation = parseDerivationFile(await readFile(join(folder, baseNameOf(drvPath))))
    if (isUnsupported(derivation)) continue
    for (const [output, made] of Object.entries(derivation.outputs))
      if (made.path === path) return { drvPath, output }
  }
  return undefined
}
