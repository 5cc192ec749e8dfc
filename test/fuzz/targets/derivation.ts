import { isDeepStrictEqual } from 'node:util'
import {
  allowSubstitutes,
  InvalidAttribute,
  requiredSystemFeatures,
} from '../../../nix/derivation-attributes.ts'
import {
  checkDerivation,
  ForgedDerivation,
  isUnsupported,
  parseDerivationFile,
} from '../../../nix/derivation-file.ts'
import { type Derivation, InvalidDerivation, parseDerivation, referencesOf } from '../../../nix/derivation.ts'
import type { StorePath } from '../../../nix/store-path.ts'
import { mutateDerivation } from '../mutate-derivation.ts'
import { printDerivation } from '../print-derivation.ts'
import { must, type Target, taken } from '../target.ts'

/** What is under test. */
export interface DerivationCode {
  parse: typeof parseDerivation
  parseFile: typeof parseDerivationFile
  check: typeof checkDerivation
}

/**
 * Derivations: what is read to be hashed is byte for byte what Nix writes of it; what is read for a graph means the same when it is written and read
 * again; and no other bytes go for the derivation that a path names.
 * @param real the derivations of some store, by path
 */
export function derivationTarget(
  real: ReadonlyMap<StorePath, Buffer>,
  code: DerivationCode = { parse: parseDerivation, parseFile: parseDerivationFile, check: checkDerivation },
): Target {
  const paths = [...real.keys()]
  return {
    name: 'derivation',
    mutate: mutateDerivation,
    check(input) {
      const text = input.toString('latin1')
      const drv = taken(() => code.parse(text), [InvalidDerivation])
      const decoded = taken(() => code.parse(input), [InvalidDerivation])
      for (const read of [drv, decoded]) if (read !== undefined) checkQuestions(read)
      if (drv !== undefined) checkAgain(drv)
      const file = taken(() => code.parseFile(input), [InvalidDerivation])
      if (file === undefined || isUnsupported(file)) return drv !== undefined
      must(drv !== undefined, 'it can be hashed, and not read')
      must(printDerivation(drv) === text, `Nix would write it as\n${printDerivation(drv)}`)
      for (const path of paths) {
        const forged = taken(() => code.check(path, input, referencesOf(file)), [ForgedDerivation])
        must(forged === undefined || real.get(path)?.equals(input) === true, `it goes for ${path}`)
      }
      return true
    },
  }

  function checkAgain(drv: Derivation): void {
    const printed = printDerivation(drv)
    const again = code.parse(printed)
    must(printDerivation(again) === printed, `read again it is another one:\n${printed}`)
    must(isDeepStrictEqual(again.args, drv.args), 'read again it has other arguments')
  }
}

/** What an evaluation asks of a derivation has an answer, the same whichever way it is asked. */
function checkQuestions(drv: Derivation): void {
  for (const [name, value] of drv.env)
    must(drv.env.get(name) === value, `${JSON.stringify(name)} is ${JSON.stringify(drv.env.get(name))}`)
  must(
    drv.env.get('no such variable') === undefined && drv.env.get('nosuch') === undefined,
    'a variable too many',
  )
  const features = taken(() => requiredSystemFeatures(drv), [InvalidAttribute])
  must(
    features === undefined || features.every((feature) => typeof feature === 'string'),
    'features are no words',
  )
  const allowed = taken(() => allowSubstitutes(drv), [InvalidAttribute])
  must(allowed === undefined || typeof allowed === 'boolean', 'neither allowed nor not')
}
