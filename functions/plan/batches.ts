import type { StorePath } from '../../nix/store-path.ts'
import type { BatchDerivation, Graph, System } from '../shared/contract.ts'
import { missingInputs } from './buildable.ts'
import { derivationOf, entries } from '../shared/graph.ts'

/**
 * The next wave: one batch per system, of every buildable derivation whose missing inputs, all the way down, are in the same batch. What
 * needs another system's work waits for the next wave. Within a batch inputs stand before what needs them.
 */
export function nextBatches(
  graph: Graph,
  missing: Set<StorePath>,
  buildable: Set<StorePath>,
  systems: System[],
): Map<System, BatchDerivation[]> {
  const systemOf = new Map<StorePath, System | undefined>()
  const batches = new Map<System, BatchDerivation[]>()
  const place = (drvPath: StorePath): System | undefined => {
    if (systemOf.has(drvPath)) return systemOf.get(drvPath)
    const needs = missingInputs(graph, missing, drvPath)
    const placed = needs.map(place)
    const own = derivationOf(graph, drvPath, drvPath).system
    // what runs everywhere goes where its inputs are built
    const system = own === 'builtin' ? (placed[0] ?? systems[0]) : own
    const now = buildable.has(drvPath) && placed.every((other) => other === system) ? system : undefined
    systemOf.set(drvPath, now)
    if (now === undefined) return undefined
    const batch = batches.get(now) ?? []
    batches.set(now, batch)
    batch.push(batchDerivation(graph, missing, drvPath, needs))
    return now
  }
  for (const drvPath of buildable) place(drvPath)
  return batches
}

function batchDerivation(
  graph: Graph,
  missing: Set<StorePath>,
  drvPath: StorePath,
  needs: StorePath[],
): BatchDerivation {
  const { outputs, inputDrvs } = derivationOf(graph, drvPath, drvPath)
  const inputs = entries(inputDrvs)
    .filter(([input]) => !missing.has(input))
    .flatMap(([input, names]) => {
      const built = derivationOf(graph, input, drvPath).outputs
      return names.flatMap((name) => built[name] ?? [])
    })
  return { drvPath, outputs, inputs, needs }
}
