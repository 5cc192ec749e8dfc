import { createHash } from 'node:crypto'
import { type DerivationFile, isUnsupported, type Unsupported } from './derivation-file.ts'
import { derivationNameOf, isFixedOutput } from './derivation.ts'
import { makeOutputPath } from './make-store-path.ts'
import { ForgedOutputs, outputKindOf } from './output-kind.ts'
import { InvalidStorePath, type StorePath } from './store-path.ts'

/** The paths of a derivation's outputs, by the outputs' names. */
export interface OutputPaths {
  outputs: Record<string, StorePath>
}

/** What a derivation needs is not there, or is the derivation itself. */
export class IncompleteClosure extends Error {
  override name = 'IncompleteClosure'
  constructor(path: StorePath, reason: string) {
    super(`${path} ${reason}`)
  }
}

/**
 * Computes the output paths of derivations from nothing but their files, as Nix does when it makes one, and checks that each file declares these paths, among
 * its outputs and in the variables that its builder gets. The closure has every derivation that an input-addressed one of it needs; each is hashed
 * twice at most. Source: Nix, src/libstore/derivations.cc, `hashDerivationModulo` and `Derivation::checkInvariants`.
 *
 * Unsupported are floating content-addressed, impure and dynamic derivations, fixed outputs with another hash than md5, sha1, sha256 or sha512 of a file or
 * a NAR, and every input-addressed derivation that needs one of these: its own paths are known only after theirs.
 * @throws ForgedOutputs when a derivation declares other paths, or what Nix does not allow; IncompleteClosure
 */
export function recomputeOutputPaths(
  closure: ReadonlyMap<StorePath, DerivationFile | Unsupported>,
): Map<StorePath, OutputPaths | Unsupported> {
  const recomputation = new Recomputation(closure)
  for (const path of closure.keys()) recomputation.compute(path)
  return recomputation.results
}

class Recomputation {
  readonly results = new Map<StorePath, OutputPaths | Unsupported>()
  readonly #closure: ReadonlyMap<StorePath, DerivationFile | Unsupported>
  /** what stands for a derivation where it is an input, in base16: its hash modulo fixed outputs */
  readonly #hashes = new Map<StorePath, string>()

  constructor(closure: ReadonlyMap<StorePath, DerivationFile | Unsupported>) {
    this.#closure = closure
  }

  /** Computes a derivation after all that it needs. Nothing recurses: a graph may be deeper than any stack. */
  compute(root: StorePath): void {
    const stack = [root]
    const entered = new Set<StorePath>()
    for (let path = stack.at(-1); path !== undefined; path = stack.at(-1)) {
      const drv = this.#read(path)
      const missing = this.results.has(path) ? [] : this.#missingInputs(drv)
      if (missing.length === 0) {
        if (!this.results.has(path)) this.results.set(path, this.#resultOrRefusal(path, drv))
        stack.pop()
        continue
      }
      if (entered.has(path)) throw new IncompleteClosure(path, 'needs itself')
      entered.add(path)
      for (const input of missing) stack.push(input)
    }
  }

  #read(path: StorePath): DerivationFile | Unsupported {
    const drv = this.#closure.get(path)
    if (drv === undefined) throw new IncompleteClosure(path, 'is an input, and is not in the closure')
    return drv
  }

  /** The inputs on which the paths of a derivation depend, and which are not computed yet. */
  #missingInputs(drv: DerivationFile | Unsupported): StorePath[] {
    if (isUnsupported(drv) || isFixedOutput(drv)) return []
    return [...drv.inputDrvs.keys()].filter((input) => !this.results.has(input))
  }

  #resultOrRefusal(path: StorePath, drv: DerivationFile | Unsupported): OutputPaths | Unsupported {
    try {
      return this.#result(path, drv)
    } catch (error) {
      if (error instanceof InvalidStorePath) throw new ForgedOutputs(path, error.message)
      throw error
    }
  }

  #result(path: StorePath, drv: DerivationFile | Unsupported): OutputPaths | Unsupported {
    if (isUnsupported(drv)) return drv
    const kind = outputKindOf(path, drv)
    if (isUnsupported(kind))
      return kind.unsupported === 'deferred' ? (deferredOn(drv, this.results) ?? kind) : kind
    if (kind.kind === 'fixed') {
      this.#hashes.set(path, createHash('sha256').update(kind.hash).digest('hex'))
      return checkDeclared(path, drv, () => kind.path)
    }
    const deferred = deferredOn(drv, this.results)
    if (deferred !== undefined) return deferred
    const inputs = this.#inputHashes(path, drv)
    const masked = drv.text.hashModulo(inputs, 'masked')
    this.#hashes.set(path, drv.text.hashModulo(inputs, 'kept'))
    return checkDeclared(path, drv, (output) => makeOutputPath(output, masked, derivationNameOf(path)))
  }

  /** The hashes of the inputs, each with the names of the outputs that are used. Inputs that are equal modulo fixed outputs are one here. */
  #inputHashes(path: StorePath, drv: DerivationFile): Map<string, Set<string>> {
    const inputs = new Map<string, Set<string>>()
    for (const [input, names] of drv.inputDrvs) {
      const hash = this.#hashes.get(input) ?? ''
      const known = this.results.get(input)
      for (const name of names) {
        if (known === undefined || isUnsupported(known) || !Object.hasOwn(known.outputs, name))
          throw new ForgedOutputs(path, `it needs the output '${name}' of ${input}, which has no such output`)
        const united = inputs.get(hash) ?? new Set()
        inputs.set(hash, united.add(name))
      }
    }
    return inputs
  }
}

/** Unsupported because of an input; undefined when every input has its paths. */
function deferredOn(
  drv: DerivationFile,
  results: ReadonlyMap<StorePath, OutputPaths | Unsupported>,
): Unsupported | undefined {
  for (const input of drv.inputDrvs.keys()) {
    const result = results.get(input)
    if (result === undefined || !isUnsupported(result)) continue
    // The derivation to blame is named once, however far down it is.
    return result.unsupported.startsWith('deferred on ')
      ? result
      : { unsupported: `deferred on ${input}, which is unsupported: ${result.unsupported}` }
  }
  return undefined
}

/** Computes the paths of a derivation's outputs; they are the ones that it declares. */
function checkDeclared(
  path: StorePath,
  drv: DerivationFile,
  compute: (output: string) => StorePath,
): OutputPaths {
  const outputs: Record<string, StorePath> = Object.create(null)
  for (const [name, declared] of Object.entries(drv.outputs)) {
    const computed = compute(name)
    if (declared.path !== computed)
      throw new ForgedOutputs(path, `its output '${name}' is ${computed}, and it declares ${declared.path}`)
    const variable = drv.env.get(name)
    if (variable !== computed)
      throw new ForgedOutputs(
        path,
        `its output '${name}' is ${computed}, and its builder gets ${variable ?? 'nothing'}`,
      )
    outputs[name] = computed
  }
  return { outputs }
}
