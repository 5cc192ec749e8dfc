import type { StorePath } from '../../nix/store-path.ts'
import type { Graph, ScheduledDerivation, System } from '../shared/contract.ts'
import { derivationOf, entries } from '../shared/graph.ts'
import { missingInputs } from './buildable.ts'
import { inputsFirst } from './inputs-first.ts'
import type { Missing } from './missing.ts'
import { inputsOf } from './warm-set.ts'

/** A derivation of the schedule before anybody has worked out what is to begin first. */
export type Unranked = Omit<ScheduledDerivation, 'path'>

/**
 * Every derivation that is missing and can be built, inputs before what needs them.
 * @param buildable of the missing ones those without an obstacle
 * @param systems that have builders: what any machine can build goes where its inputs are built, or to the first of them
 * @param secondsOf how long a build is expected to take
 */
export function scheduleOf(
  graph: Graph,
  missing: Missing,
  buildable: Set<StorePath>,
  systems: System[],
  secondsOf: (drvPath: StorePath) => number,
): Unranked[] {
  const schedule: Unranked[] = []
  const positions = new Map<StorePath, number>()
  const needsOf = (drvPath: StorePath): StorePath[] =>
    missingInputs(graph, missing, drvPath).filter((input) => buildable.has(input))
  for (const drvPath of inputsFirst(buildable, needsOf)) {
    const inputs = needsOf(drvPath)
    const needs = inputs.flatMap((input) => positions.get(input) ?? [])
    // in a circle, which Nix never makes
    if (needs.length < inputs.length) continue
    const derivation = derivationOf(graph, drvPath, drvPath)
    const system = derivation.system === 'builtin' ? anySystem(schedule, needs, systems) : derivation.system
    const named = new Set(entries(derivation.inputDrvs).map(([input]) => input))
    const isBuiltBeside = (need: number): boolean => {
      const maker = schedule[need]
      return (
        maker?.system === system && named.has(maker.drvPath) && isMadeAsNamed(graph, missing, drvPath, maker)
      )
    }
    positions.set(drvPath, schedule.length)
    schedule.push({
      drvPath,
      system,
      outputs: derivation.outputs,
      inputs: inputsOf(graph, drvPath).flatMap(({ path }) =>
        path !== undefined && missing.held.has(path) ? [path] : [],
      ),
      needs,
      needsPublished: needs.filter((need) => !isBuiltBeside(need)),
      seconds: secondsOf(drvPath),
    })
  }
  return schedule
}

function anySystem(schedule: Unranked[], needs: number[], systems: System[]): System {
  const [first] = needs
  return (first === undefined ? undefined : schedule[first]?.system) ?? systems[0] ?? 'builtin'
}

/**
 * Whether everything that a maker makes for a derivation is something that the derivation names it for. A builder looks for a path where the
 * `.drv` file says: when another derivation makes it, it must come from a cache.
 */
function isMadeAsNamed(graph: Graph, missing: Missing, drvPath: StorePath, maker: Unranked): boolean {
  const made = new Set(Object.values(maker.outputs))
  return inputsOf(graph, drvPath).every(
    ({ path, drvPath: named }) =>
      path === undefined || missing.held.has(path) || !made.has(path) || named === maker.drvPath,
  )
}
