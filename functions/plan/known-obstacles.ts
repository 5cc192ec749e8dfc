import { hashPartOf, type StorePath } from '../../nix/store-path.ts'
import type { Graph, RunId, System } from '../shared/contract.ts'
import { entries } from '../shared/graph.ts'
import { stateKeys } from '../shared/keys.ts'
import { objectsUnder } from '../shared/list-objects.ts'
import { type Bucket, readJson } from '../shared/objects.ts'
import type { RememberedFailure } from '../shared/records.ts'

/**
 * Which derivations of a graph failed in an earlier run, for a reason that is their own. Only those are read that the graph has: one request for
 * every thousand failures, and one for each that is met again.
 */
export async function rememberedFailures(
  state: Bucket,
  graph: Graph,
  run: RunId,
): Promise<Map<StorePath, string>> {
  const keys = await objectsUnder(state, stateKeys.failures)
  const met = entries(graph.derivations).filter(([drvPath]) =>
    keys.has(stateKeys.failure(hashPartOf(drvPath))),
  )
  const reasons = await Promise.all(
    met.map(async ([drvPath]) => {
      const known = await readJson<RememberedFailure>(state, stateKeys.failure(hashPartOf(drvPath)))
      const when =
        known.run === run ? '' : `it failed in the run ${known.run}, and is not tried again unless asked: `
      return [drvPath, when + known.message] as const
    }),
  )
  return new Map(reasons)
}

/** The systems that this run has waited for in vain. */
export async function whySystemsAreGivenUp(state: Bucket, run: RunId): Promise<Map<System, string>> {
  const prefix = stateKeys.givenUps(run)
  const keys = [...(await objectsUnder(state, prefix)).keys()]
  const given = await Promise.all(
    keys.map((key) => readJson<{ system: System; waitHours: number }>(state, key)),
  )
  return new Map(
    given.map(({ system, waitHours }) => [
      system,
      `no machine for ${system} came within ${waitHours} h: is \`hearth worker\` running on one?`,
    ]),
  )
}
