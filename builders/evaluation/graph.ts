import { readFileSync } from 'node:fs'
import type { EvaluatedShell, Graph, GraphDerivation } from '../../functions/shared/contract.ts'
import { describeError } from '../../functions/shared/errors.ts'
import { allowSubstitutes, requiredSystemFeatures } from '../../nix/derivation-attributes.ts'
import { readDerivationClosure } from '../../nix/derivation-closure.ts'
import { type Derivation, derivationNameOf, isFixedOutput } from '../../nix/derivation.ts'
import type { StorePath } from '../../nix/store-path.ts'

/** The graph of all shells whose derivations can be read. The others have got an error. */
export interface ReadGraph {
  graph: Graph
  shells: EvaluatedShell[]
}

/**
 * Reads the graph from the `.drv` files, not from `nix derivation show`, whose JSON is different in every version.
 * @param read the content of a `.drv` file
 */
export function readGraph(
  shells: EvaluatedShell[],
  read: (path: StorePath) => Uint8Array = (path) => readFileSync(path),
): ReadGraph {
  const roots = shells.flatMap((shell) => ('drvPath' in shell ? [shell.drvPath] : []))
  try {
    return { graph: { version: 1, derivations: readClosure(roots, read) }, shells }
  } catch {
    // One of them cannot be read: each by itself says which, and why.
    return readOneByOne(shells, read)
  }
}

function readOneByOne(shells: EvaluatedShell[], read: (path: StorePath) => Uint8Array): ReadGraph {
  const derivations: Record<StorePath, GraphDerivation> = {}
  const checked = shells.map((shell): EvaluatedShell => {
    if (!('drvPath' in shell) || shell.drvPath in derivations) return shell
    try {
      Object.assign(derivations, readClosure([shell.drvPath], read))
      return shell
    } catch (error) {
      const { attribute, system } = shell
      return { attribute, system, error: `its derivations cannot be read: ${describeError(error).message}` }
    }
  })
  return { graph: { version: 1, derivations }, shells: checked }
}

function readClosure(
  roots: StorePath[],
  read: (path: StorePath) => Uint8Array,
): Record<StorePath, GraphDerivation> {
  const derivations: Record<StorePath, GraphDerivation> = {}
  for (const [path, drv] of readDerivationClosure(roots, read)) derivations[path] = describe(path, drv)
  return derivations
}

function describe(path: StorePath, drv: Derivation): GraphDerivation {
  const unsupported = whyUnsupported(drv)
  const outputs: Record<string, StorePath> = {}
  for (const [name, output] of Object.entries(drv.outputs))
    if (output.path !== '') outputs[name] = output.path
  return {
    name: derivationNameOf(path),
    system: drv.system,
    outputs,
    inputDrvs: Object.fromEntries(drv.inputDrvs),
    inputSrcs: drv.inputSrcs,
    requiredSystemFeatures: requiredSystemFeatures(drv),
    allowSubstitutes: allowSubstitutes(drv),
    fixedOutput: isFixedOutput(drv),
    ...(unsupported === undefined ? {} : { unsupported }),
  }
}

/** A derivation whose output paths are known only after its build has no place in a plan. */
function whyUnsupported(drv: Derivation): string | undefined {
  const unknown = Object.values(drv.outputs).filter(({ path }) => path === '')
  if (unknown.length === 0) return undefined
  if (unknown.some(({ hash }) => hash === 'impure')) return 'it is an impure derivation'
  if (unknown.some(({ hashAlgo }) => hashAlgo !== '')) return 'it is a floating content-addressed derivation'
  return 'it depends on a floating content-addressed derivation'
}
