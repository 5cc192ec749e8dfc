import { expect } from 'vitest'
import { machinesFor } from '../../../../functions/plan/builders.ts'
import { decide, type Decision } from '../../../../functions/plan/decide.ts'
import { whySystemsAreGivenUp } from '../../../../functions/plan/known-obstacles.ts'
import { longestPaths } from '../../../../functions/plan/longest-paths.ts'
import { failuresOf } from '../../../../functions/shared/attempts.ts'
import type {
  BatchDerivation,
  BuildJob,
  DerivationOutcome,
  Graph,
} from '../../../../functions/shared/contract.ts'
import { derivationOf } from '../../../../functions/shared/graph.ts'
import { stateKeys } from '../../../../functions/shared/keys.ts'
import { readBatches } from '../../../../functions/shared/run-files.ts'
import { writeSchedule } from '../../../../functions/shared/schedule-file.ts'
import type { StorePath } from '../../../../nix/store-path.ts'
import { became, outcomeOf } from '../batches.ts'
import { Buckets } from '../buckets.ts'
import { StepFunctions } from '../step-functions.ts'
import { type LaneLog, runLane } from '../take/lanes.ts'
import { VirtualTime } from '../take/virtual-time.ts'
import type { Wanting } from './random-graph.ts'

const BUILDERS = {
  'x86_64-linux': { machines: 3, slots: 2, features: [], waitHours: 24 },
  'aarch64-linux': { machines: 2, slots: 1, features: [], waitHours: 24 },
}
export type Builders = Record<string, (typeof BUILDERS)['x86_64-linux']>

export type Outcome = DerivationOutcome['outcome']
export const RETRYABLE: Outcome[] = ['lost', 'input-missing']

// A build that is not reproducible is discarded because another one stands, which clients have.
const STANDING = new Set<Outcome | 'nothing' | undefined>(['published', 'not-reproducible'])

/** What happens to what a machine builds. `nothing`: nobody says anything of it. `invisible`: Publish says that it is published, and no cache shows it. */
export type Fate = (
  derivation: BatchDerivation,
  hasCome: (need: StorePath) => boolean,
) => Outcome | 'nothing' | 'invisible'

/** A batch that a lane took, and what became of each of its derivations. */
export interface BuiltBatch {
  job: BuildJob
  outcomes: Map<StorePath, Outcome | 'nothing'>
}

export interface SimulatedRun extends Decision {
  held: Set<StorePath>
  batches: BuiltBatch[]
  failures: Map<StorePath, string>
  waves: number
  lanes: LaneLog[]
}

/** The world that runs share: caches, buckets, and the time. */
export class SimulatedWorld {
  readonly buckets = new Buckets()
  readonly stepFunctions = new StepFunctions()
  readonly time = new VirtualTime()
  readonly held = new Set<StorePath>()

  constructor() {
    this.buckets.clock = () => this.time.now()
  }
}

let runs = 0

/**
 * A run of the loop Plan, lanes, Plan over a world that answers as `fate` says: the real Plan decides and the real Take hands out, on buckets and a Step Functions in
 * memory; builders and Publish are simulated.
 */
export async function simulate(
  wanting: Wanting,
  fate: Fate,
  {
    world = new SimulatedWorld(),
    builders = BUILDERS,
    isHonest = true,
  }: { world?: SimulatedWorld; builders?: Builders; isHonest?: boolean } = {},
): Promise<SimulatedRun> {
  const run = startRun(wanting, fate, world, { builders, isHonest })
  expect(await world.time.runUntil(() => run.result !== undefined), 'the run comes to an end').toBe(true)
  if (run.result === undefined) throw new Error('it has ended')
  return run.result
}

/** Begins a run; the world's time brings it on. */
export function startRun(
  { graph, shells }: Wanting,
  fate: Fate,
  { buckets, stepFunctions, time, held }: SimulatedWorld,
  { builders = BUILDERS, isHonest = true }: { builders?: Builders; isHonest?: boolean } = {},
): { name: string; result: SimulatedRun | undefined } {
  const name = `run-${++runs}`
  const started = { name, result: undefined as SimulatedRun | undefined }
  const state = buckets.bucket('state')
  const batches: BuiltBatch[] = []
  const lanes: LaneLog[] = []
  // Every wave of a run that ends has tried something that it will not try again, or seen that something has come.
  const mostWaves = 2 * Object.keys(graph.derivations).length + 2
  stepFunctions.running.add(name)
  time.after(0, async () => plan(1))
  return started

  async function plan(wave: number): Promise<void> {
    expect(wave, 'the run comes to an end').toBeLessThan(mostWaves)
    const failures = failuresOf(await readBatches(state, name))
    const capabilities = new Map<string, Set<string> | string>([
      ...Object.keys(builders).map((system) => [system, new Set<string>()] as const),
      ...(await whySystemsAreGivenUp(state, name)),
    ])
    const decision = await decide(
      graph,
      shells,
      { failures, capabilities, secondsOf },
      async (paths) => new Set(paths.filter((path) => held.has(path))),
    )
    if (decision.verdict !== 'build') {
      stepFunctions.running.delete(name)
      stepFunctions.ended.add(name)
      started.result = { ...decision, held, batches, failures, waves: wave - 1, lanes }
      return
    }
    const machines = machinesFor(decision.schedule, { builders })
    const paths = longestPaths(decision.schedule)
    await writeSchedule(state, {
      version: 1,
      run: name,
      wave,
      target: { repository: 'acme/shells', ref: `refs/heads/${name}`, commit: '1'.repeat(40) },
      derivations: decision.schedule.map((derivation, at) => ({ ...derivation, path: paths[at] ?? 0 })),
      machines,
      job: { archive: { key: '', sha256: '' }, upstreams: [], publicKeys: [], maxNarSize: 1e9 },
    })
    const ofWave = Object.entries(machines).flatMap(([system, { lanes: count }]) =>
      Array.from({ length: count }, (_, index) =>
        runLane({ buckets, stepFunctions, time, build }, name, wave, { system, slot: index + 1 }),
      ),
    )
    lanes.push(...ofWave)
    // Step Functions goes on when every iteration of the Map has ended.
    const join = async (): Promise<void> =>
      ofWave.every(({ isOver }) => isOver) ? plan(wave + 1) : time.after(1, join)
    await join()
  }

  function build(job: BuildJob, machine: string) {
    const built: BuiltBatch = { job, outcomes: new Map() }
    batches.push(built)
    // who is told that something is published that nobody can see builds on nothing
    if (isHonest) expectComplete(graph, job, held)
    const published: StorePath[] = []
    const told = job.derivations.flatMap((derivation): DerivationOutcome[] => {
      const found = fate(derivation, (need) => STANDING.has(built.outcomes.get(need)))
      const outcome = found === 'invisible' ? 'published' : found
      built.outcomes.set(derivation.drvPath, outcome)
      if (found === 'published' || found === 'not-reproducible')
        published.push(...Object.values(derivation.outputs))
      return outcome === 'nothing' ? [] : [became(derivation.drvPath, outcome)]
    })
    return {
      seconds: job.derivations.reduce((sum, { drvPath }) => sum + secondsOf(drvPath), 0),
      isMachineLost: told.some(({ outcome }) => outcome === 'lost'),
      end: async () => {
        for (const path of published) held.add(path)
        // Publish died, too
        if (told.length === 0) return
        const outcome = { ...outcomeOf(name, job.batch, told), machine }
        buckets.put(`state/${stateKeys.outcome(name, job.batch)}`, outcome)
      },
    }
  }
}

/** Between 1 and 500 seconds, and always the same for the same derivation. */
function secondsOf(drvPath: StorePath): number {
  const [a = 0, b = 0] = Buffer.from(drvPath.slice(11, 13))
  return 1 + ((a * 31 + b * 17) % 500)
}

/** Whatever happened before: when a machine begins, all that its batch needs is in the caches, or comes before it in the batch. */
function expectComplete(graph: Graph, { derivations, system }: BuildJob, held: Set<StorePath>): void {
  const before = new Set<StorePath>()
  for (const { drvPath, needs } of derivations) {
    expect(needs.filter((need) => !before.has(need))).toEqual([])
    const derivation = derivationOf(graph, drvPath, '')
    expect([system, 'builtin']).toContain(derivation.system)
    for (const [input, outputs] of Object.entries(derivation.inputDrvs) as [StorePath, string[]][])
      for (const output of outputs) {
        const path = derivationOf(graph, input, '').outputs[output]
        const isThere = before.has(input) || (path !== undefined && held.has(path))
        expect(isThere, `${drvPath} needs ${path}`).toBe(true)
      }
    before.add(drvPath)
  }
}
