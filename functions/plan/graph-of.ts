import type { VerifiedArchive } from '../../nix/archive-verification.ts'
import {
  allowSubstitutes,
  InvalidAttribute,
  requiredSystemFeatures,
} from '../../nix/derivation-attributes.ts'
import { type DerivationFile, isUnsupported, type Unsupported } from '../../nix/derivation-file.ts'
import { derivationNameOf } from '../../nix/derivation.ts'
import { fixedOutputOf } from '../../nix/fixed-output.ts'
import { ForgedOutputs } from '../../nix/output-kind.ts'
import { recomputeOutputPaths } from '../../nix/output-paths.ts'
import { type ReferenceRules, referenceRulesOf } from '../../nix/reference-rules.ts'
import type { StorePath } from '../../nix/store-path.ts'
import type { Graph, GraphDerivation } from '../shared/contract.ts'

/**
 * The graph of an archive in which every path was proved. Output paths are recomputed here, not taken from what anybody says. A derivation that
 * Hearth cannot build says why, and so does every one that needs it; nothing else suffers.
 * @throws ForgedOutputs, IncompleteClosure, InvalidAttribute: a graph that Nix would not have made
 */
export function graphOf({ derivations, sources }: VerifiedArchive): Graph {
  const paths = recomputeOutputPaths(derivations)
  const graph: Graph = { version: 1, derivations: {}, sources: Object.fromEntries(sources) }
  for (const [path, derivation] of derivations) {
    const outputs = paths.get(path)
    if (outputs === undefined) continue
    checkInputs(path, derivation, derivations)
    graph.derivations[path] = isUnsupported(derivation)
      ? unsupportedDerivation(path, derivation)
      : describe(path, derivation, outputs)
  }
  return graph
}

/** The paths of a fixed output do not depend on its inputs, so nobody has looked at them. @throws ForgedOutputs */
function checkInputs(
  path: StorePath,
  drv: DerivationFile | Unsupported,
  derivations: VerifiedArchive['derivations'],
): void {
  for (const [input, names] of isUnsupported(drv) ? [] : drv.inputDrvs) {
    const maker = derivations.get(input)
    if (maker === undefined || isUnsupported(maker)) continue
    const absent = names.find((name) => !Object.hasOwn(maker.outputs, name))
    if (absent !== undefined)
      throw new ForgedOutputs(path, `it needs the output '${absent}' of ${input}, which has no such output`)
  }
}

function describe(
  path: StorePath,
  drv: DerivationFile,
  outputs: { outputs: Record<string, StorePath> } | Unsupported,
): GraphDerivation {
  const fixedOutput = fixedOutputOf(drv)
  const { referenceRules, invalid } = rulesOf(drv)
  const unsupported = isUnsupported(outputs) ? outputs.unsupported : invalid
  return {
    name: derivationNameOf(path),
    system: drv.system,
    outputs: isUnsupported(outputs) ? {} : outputs.outputs,
    inputDrvs: Object.fromEntries(drv.inputDrvs),
    inputSrcs: drv.inputSrcs,
    requiredSystemFeatures: requiredSystemFeatures(drv),
    allowSubstitutes: allowSubstitutes(drv),
    ...(fixedOutput === undefined ? {} : { fixedOutput }),
    ...(referenceRules === undefined ? {} : { referenceRules }),
    ...(unsupported === undefined ? {} : { unsupported: `it is unsupported: ${unsupported}` }),
  }
}

/** Nix looks at these when it builds, not before: one that is malformed spoils its own derivation only. */
function rulesOf(drv: DerivationFile): { referenceRules?: ReferenceRules | undefined; invalid?: string } {
  try {
    return { referenceRules: referenceRulesOf(drv, Object.keys(drv.outputs)) }
  } catch (error) {
    if (error instanceof InvalidAttribute) return { invalid: error.message }
    throw error
  }
}

/** Of a dynamic derivation nothing can be read but that it is one. */
function unsupportedDerivation(path: StorePath, { unsupported }: Unsupported): GraphDerivation {
  return {
    name: derivationNameOf(path),
    system: 'builtin',
    outputs: {},
    inputDrvs: {},
    inputSrcs: [],
    requiredSystemFeatures: [],
    allowSubstitutes: true,
    unsupported: `it is unsupported: ${unsupported}`,
  }
}
