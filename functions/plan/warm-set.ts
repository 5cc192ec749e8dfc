import type { StorePath } from '../../nix/store-path.ts'
import { isShell } from '../shared/attributes.ts'
import type { DerivationOutputs, EvaluatedShell, Graph, GraphDerivation } from '../shared/contract.ts'
import { derivationOf, entries } from '../shared/graph.ts'

/** One output of one derivation that must be in a cache. */
export interface WantedOutput {
  drvPath: StorePath
  output: string
  /** absent when nobody knows it before the build: no cache can be asked for it */
  path?: StorePath
}

/**
 * What must be in a cache for an attribute: its warm set; of one that cannot be evaluated yet what it needs for that; nothing of one that is broken.
 */
export function wantedBy(graph: Graph, shell: EvaluatedShell): WantedOutput[] {
  if ('error' in shell) return []
  const { attribute, imported = {} } = shell
  if ('drvPath' in shell) return warmSetOf(graph, attribute, shell.drvPath, imported)
  return entries(shell.needs).flatMap(([drv, outputs]) => wantedOutputs(graph, drv, outputs, attribute))
}

/**
 * What must be in a cache for a developer to use an attribute without building.
 *
 * A shell: the named outputs of its input derivations; its own output is only a record of the environment. A package: its outputs. An input
 * with `allowSubstitutes = false` is built on the laptop even when it is cached, so its inputs are wanted in its stead. Run-time closures
 * come with each path. Measured in shared nix-facts section 4 with Nix 2.8, 2.26 and 2.34.
 *
 * What is imported while it is evaluated is wanted as well, also with `allowSubstitutes = false`: an evaluator builds nothing, and fetches it by its path.
 */
export function warmSetOf(
  graph: Graph,
  attribute: string,
  drvPath: StorePath,
  imported: DerivationOutputs = {},
): WantedOutput[] {
  const wanted = new Map<string, WantedOutput>()
  const opened = new Set<StorePath>()
  const open = (drv: StorePath): void => {
    if (opened.has(drv)) return
    opened.add(drv)
    for (const [input, outputs] of entries(derivationOf(graph, drv, attribute).inputDrvs))
      want(input, outputs)
  }
  const want = (drv: StorePath, outputs: string[]): void => {
    const derivation = derivationOf(graph, drv, attribute)
    if (!derivation.allowSubstitutes) {
      open(drv)
      return
    }
    add(drv, outputs)
  }
  const add = (drv: StorePath, outputs: string[]): void => {
    for (const output of wantedOutputs(graph, drv, outputs, attribute))
      wanted.set(output.path ?? `${drv}!${output.output}`, output)
  }
  if (isShell(attribute)) open(drvPath)
  else want(drvPath, outputNames(derivationOf(graph, drvPath, attribute)))
  for (const [drv, outputs] of entries(imported)) {
    add(drv, outputs)
    want(drv, outputs)
  }
  return [...wanted.values()]
}

/** Named outputs of a derivation, with their paths. */
export function wantedOutputs(
  graph: Graph,
  drvPath: StorePath,
  outputs: string[],
  neededBy: string,
): WantedOutput[] {
  const paths = derivationOf(graph, drvPath, neededBy).outputs
  return outputs.map((output) => {
    const path = paths[output]
    return path === undefined ? { drvPath, output } : { drvPath, output, path }
  })
}

// Everything that decides asks for them, some ten times for each derivation: half of the time, when it was worked out anew.
const known = new WeakMap<Graph, Map<StorePath, WantedOutput[]>>()

/** The outputs that a derivation is built from. */
export function inputsOf(graph: Graph, drvPath: StorePath): readonly WantedOutput[] {
  const ofGraph = known.get(graph) ?? new Map<StorePath, WantedOutput[]>()
  known.set(graph, ofGraph)
  const before = ofGraph.get(drvPath)
  if (before !== undefined) return before
  const inputs = entries(derivationOf(graph, drvPath, drvPath).inputDrvs).flatMap(([input, names]) =>
    wantedOutputs(graph, input, names, drvPath),
  )
  ofGraph.set(drvPath, inputs)
  return inputs
}

/** The graph has no outputs of a derivation whose paths are known only after its build; every derivation has one. */
function outputNames({ outputs }: GraphDerivation): string[] {
  const names = Object.keys(outputs)
  return names.length === 0 ? ['out'] : names
}
