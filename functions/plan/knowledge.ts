import type { StorePath } from '../../nix/store-path.ts'
import { failuresOf } from '../shared/attempts.ts'
import type { EvaluationJob, Graph } from '../shared/contract.ts'
import { derivationOf } from '../shared/graph.ts'
import type { Bucket } from '../shared/objects.ts'
import type { Config } from '../shared/parse-config.ts'
import { readBatches } from '../shared/run-files.ts'
import { readTimings } from '../shared/timings.ts'
import type { Capabilities } from './buildable.ts'
import { capabilitiesOf } from './builders.ts'
import { expectedSeconds } from './expected-seconds.ts'
import { rememberedFailures, whySystemsAreGivenUp } from './known-obstacles.ts'

/** What Plan knows of building, apart from the graph and the caches. */
export interface Knowledge {
  /** why derivations are not to be built (again) */
  failures: Map<StorePath, string>
  capabilities: Capabilities
  secondsOf: (drvPath: StorePath) => number
}

/**
 * What earlier runs, and this one so far, have learnt.
 * @param hasFleet whether this deployment has a fleet of Macs
 */
export async function readKnowledge(
  state: Bucket,
  { run, retryFailed }: Pick<EvaluationJob, 'run' | 'retryFailed'>,
  config: Config,
  graph: Graph,
  hasFleet: boolean,
): Promise<Knowledge> {
  const [remembered, tried, timings, givenUp] = await Promise.all([
    retryFailed === true ? [] : rememberedFailures(state, graph, run),
    readBatches(state, run),
    readTimings(state),
    whySystemsAreGivenUp(state, run),
  ])
  return {
    // what this run says of its own failures is newer
    failures: new Map([...remembered, ...failuresOf(tried)]),
    capabilities: new Map([...capabilitiesOf(config, hasFleet), ...givenUp]),
    secondsOf: (drvPath) =>
      expectedSeconds(timings(drvPath), { drvPath, ...derivationOf(graph, drvPath, drvPath) }),
  }
}
