import type { StorePath } from '../../nix/store-path.ts'
import type { BatchDerivation, Graph, System } from '../shared/contract.ts'
import { derivationOf, entries } from '../shared/graph.ts'
import { missingInputs } from './buildable.ts'
import { inputsFirst } from './inputs-first.ts'
import { makersOf } from './makers.ts'
import type { Missing } from './missing.ts'
import { inputsOf } from './warm-set.ts'

/**
 * The next wave: one batch per system, of every buildable derivation whose missing inputs, all the way down, are in the same batch. What
 * needs another system's work waits for the next wave, and so does what needs a path that another derivation makes than the one it names: its
 * builder would look for that path in the caches. Within a batch inputs stand before what needs them.
 */
export function nextBatches(
  graph: Graph,
  missing: Missing,
  buildable: Set<StorePath>,
  systems: System[],
): Map<System, BatchDerivation[]> {
  const systemOf = new Map<StorePath, System>()
  const batches = new Map<System, BatchDerivation[]>()
  const named = (drvPath: StorePath): StorePath[] =>
    entries(derivationOf(graph, drvPath, drvPath).inputDrvs)
      .map(([input]) => input)
      .filter((input) => missing.derivations.has(input))
  for (const drvPath of inputsFirst(buildable, named)) {
    const placed = missingInputs(graph, missing, drvPath).map((input) => systemOf.get(input))
    const own = derivationOf(graph, drvPath, drvPath).system
    // what runs everywhere goes where its inputs are built
    const system = own === 'builtin' ? (placed[0] ?? systems[0]) : own
    const isReady = placed.every((other) => other === system) && isMadeAsNamed(graph, missing, drvPath)
    if (system === undefined || !buildable.has(drvPath) || !isReady) continue
    systemOf.set(drvPath, system)
    const batch = batches.get(system) ?? []
    batches.set(system, batch)
    const needs = named(drvPath).filter((input) => systemOf.get(input) === system)
    batch.push(batchDerivation(graph, missing, drvPath, needs))
  }
  return batches
}

function isMadeAsNamed(graph: Graph, missing: Missing, drvPath: StorePath): boolean {
  return inputsOf(graph, drvPath).every((input) =>
    makersOf(graph, missing, [input]).every((maker) => maker === input.drvPath),
  )
}

function batchDerivation(
  graph: Graph,
  { held }: Missing,
  drvPath: StorePath,
  needs: StorePath[],
): BatchDerivation {
  const inputs = inputsOf(graph, drvPath).flatMap(({ path }) =>
    path !== undefined && held.has(path) ? [path] : [],
  )
  return { drvPath, outputs: derivationOf(graph, drvPath, drvPath).outputs, inputs, needs }
}
