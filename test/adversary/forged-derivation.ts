import { createHash } from 'node:crypto'
import { makeTextPath } from '../../nix/content-address.ts'
import { makeOutputPath } from '../../nix/make-store-path.ts'
import type { StorePath } from '../../nix/store-path.ts'
import { printDerivation } from '../fuzz/print-derivation.ts'
import { fileNar, type PathToArchive } from '../unit/nix/archive-bytes.ts'

/** A derivation as its author likes it; what is not said is what Nix would have made. */
export interface Forgery {
  name: string
  /** instead of the paths that its outputs have */
  outputs?: Record<string, { path?: string; hashAlgo?: string; hash?: string }>
  /** variables over those that Nix would give */
  env?: Record<string, string>
  /** its own inputs without inputs of their own; each is used by its output `out` */
  inputs?: Forged[]
  /** outputs of an input that it uses instead */
  uses?: string[]
  sources?: StorePath[]
}

export interface Forged extends PathToArchive {
  path: StorePath
  text: string
  out: StorePath
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex')

/** Writes a `.drv` whose own path fits its text; its outputs are those that Nix would have given it, unless they are forged. */
export function forge({
  name,
  outputs = { out: {} },
  env = {},
  inputs = [],
  uses = ['out'],
  sources = [],
}: Forgery): Forged {
  const names = Object.keys(outputs)
  const print = (paths: Record<string, string>, inputDrvs: [string, string[]][], isMasked = false): string =>
    printDerivation({
      outputs: Object.fromEntries(
        names.map((output) => {
          const { hashAlgo = '', hash = '' } = outputs[output] ?? {}
          return [output, { path: (paths[output] ?? '') as StorePath, hashAlgo, hash }]
        }),
      ),
      inputDrvs: new Map(inputDrvs) as Map<StorePath, string[]>,
      inputSrcs: sources,
      system: 'x86_64-linux',
      builder: '/bin/sh',
      args: [],
      // Nix masks the paths of outputs there, too, whatever their author writes
      env: new Map(Object.entries(isMasked ? { name, ...env, ...paths } : { name, ...paths, ...env })),
    })
  const blank = Object.fromEntries(names.map((output) => [output, '']))
  const masked = sha256(
    print(
      blank,
      inputs.map(({ text }) => [sha256(text), uses]),
      true,
    ),
  )
  const paths = Object.fromEntries(
    names.map((output) => [output, outputs[output]?.path ?? makeOutputPath(output, masked, name)]),
  )
  const text = print(
    paths,
    inputs.map(({ path }) => [path, uses]),
  )
  const references = [...inputs.map(({ path }) => path), ...sources].toSorted()
  const [first = ''] = names
  return {
    path: makeTextPath(`${name}.drv`, sha256(text), references),
    nar: fileNar(text),
    references,
    text,
    out: paths[first] as StorePath,
  }
}
