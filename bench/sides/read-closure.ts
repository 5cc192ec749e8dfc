import { readFileSync } from 'node:fs'
import { allowSubstitutes, requiredSystemFeatures } from '../../nix/derivation-attributes.ts'
import { readDerivationClosure } from '../../nix/derivation-closure.ts'
import { parseStorePath } from '../../nix/store-path.ts'

/** Reads the closure of a derivation from a store's files, and what an evaluation asks of each. Arguments: the store's root folder, the derivation. */
const [store = '', root = ''] = process.argv.slice(2)
const closure = readDerivationClosure([parseStorePath(root)], (path) => readFileSync(store + path, 'utf8'))
let inputs = 0
let features = 0
let local = 0
for (const drv of closure.values()) {
  inputs += drv.inputDrvs.size
  features += requiredSystemFeatures(drv).length
  if (!allowSubstitutes(drv)) local++
}
process.stdout.write(
  `${closure.size} derivations, ${inputs} inputs, ${features} required features, ${local} built locally\n`,
)
