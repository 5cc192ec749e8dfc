import type { StorePath } from '../../nix/store-path.ts'
import type { Graph } from '../shared/contract.ts'
import { derivationOf, entries } from '../shared/graph.ts'

/** One output of one derivation that must be in a cache. */
export interface WantedOutput {
  drvPath: StorePath
  output: string
  path: StorePath
}

/** Whether an attribute is entered (`nix develop`) or installed (`nix build`): a shell needs its inputs, a package its outputs. */
export function isShell(attribute: string): boolean {
  return /^devShells?(\.|$)/.test(attribute)
}

/**
 * What must be in a cache for a developer to use an attribute without building.
 *
 * A shell: the named outputs of its input derivations; its own output is only a record of the environment. A package: its outputs. An input
 * with `allowSubstitutes = false` is built on the laptop even when it is cached, so its inputs are wanted in its stead. Run-time closures
 * come with each path. Measured in shared nix-facts section 4 with Nix 2.8, 2.26 and 2.34.
 */
export function warmSetOf(graph: Graph, attribute: string, drvPath: StorePath): WantedOutput[] {
  const wanted = new Map<StorePath, WantedOutput>()
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
    for (const output of outputs) {
      const path = derivation.outputs[output]
      if (path !== undefined) wanted.set(path, { drvPath: drv, output, path })
    }
  }
  if (isShell(attribute)) open(drvPath)
  else want(drvPath, Object.keys(derivationOf(graph, drvPath, attribute).outputs))
  return [...wanted.values()]
}
