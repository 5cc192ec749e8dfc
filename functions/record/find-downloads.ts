import { hashPartOf } from '../../nix/store-path.ts'
import type {
  Evaluation,
  Graph,
  RunDownloads,
  RunId,
  ScheduledDerivation,
  Upstream,
  WavePlan,
} from '../shared/contract.ts'
import { GraphLost, readGraph } from '../shared/graph.ts'
import { GraphOfAnotherVersion } from '../shared/graph-file.ts'
import { stateKeys } from '../shared/keys.ts'
import { type Bucket, findJson } from '../shared/objects.ts'
import { openPathFacts } from '../shared/path-facts/path-facts.ts'
import type { TriedBatch } from '../shared/run-files.ts'
import { readSchedule } from '../shared/schedule-file.ts'
import { openSources } from './ask-sources.ts'
import { downloadsOf, type Learnt } from './downloads.ts'
import { learnClosures } from './learn-closures.ts'
import { macHints } from './mac-hints.ts'
import { isBuilt, runBuilds } from './run-builds.ts'

/** A run of which one wants to know what its shells take to download. */
export interface EndedRun {
  run: RunId
  /** its plans, wave by wave */
  plans: WavePlan[]
  /** the last of them, or that of the run that warmed the commit before */
  last: WavePlan
  /** in the order in which they were taken */
  batches: TriedBatch[]
  upstreams: Upstream[]
  /** when it began, milliseconds since 1970 */
  began: number
}

export interface FoundDownloads {
  downloads: RunDownloads
  /** paths of which nobody could say in time where they are */
  unknown: number
  /** requests that were made: for what is remembered, and to caches */
  requests: { memory: number; caches: number }
}

/**
 * What a new laptop downloads for each shell of a run. A cache that cannot be asked makes paths unknown, and nothing else.
 * @param warn is told why
 * @param isTimeUp when to ask no more
 */
export async function findDownloads(
  state: Bucket,
  cache: Bucket,
  { run, plans, last, batches, upstreams, began }: EndedRun,
  warn: (message: string) => void,
  isTimeUp: () => boolean,
): Promise<FoundDownloads> {
  const builds = runBuilds(await readSchedules(state, plans), batches)
  const sources = openSources(cache, upstreams, warn)
  const facts = openPathFacts(state, sources.order)
  // one that does not evaluate has none
  const shells = last.shells.filter(({ paths }) => paths.length > 0)
  const { unknown, ...lesson } = await learnClosures(
    shells.flatMap(({ paths }) => paths.map(hashPartOf)),
    facts,
    sources,
    { wasBuilt: (hashPart) => isBuilt(builds, hashPart), began, isTimeUp },
  )
  await facts.save()
  const learnt: Learnt = { known: (hashPart) => facts.known(hashPart), ...lesson }
  const hints = shells.some(({ system }) => system.endsWith('-darwin'))
    ? await macHints(shells, await readPins(state, last.run), learnt, async () =>
        findGraph(state, last.run, warn),
      )
    : new Map<unknown, string>()
  return {
    downloads: {
      version: 1,
      run,
      shells: shells.map((shell) => {
        const hint = hints.get(shell)
        return {
          ...downloadsOf(shell, learnt, builds, sources.order),
          ...(hint === undefined ? {} : { hint }),
        }
      }),
    },
    unknown,
    requests: { memory: facts.requests(), caches: sources.requests() },
  }
}

async function readSchedules(state: Bucket, plans: WavePlan[]): Promise<ScheduledDerivation[][]> {
  const schedules: ScheduledDerivation[][] = []
  for (const { run, wave, verdict } of plans)
    if (verdict === 'build') schedules.push((await readSchedule(state, run, wave)).derivations)
  return schedules
}

async function readPins(state: Bucket, run: RunId): Promise<Pick<Evaluation, 'pins'>> {
  return (await findJson<Evaluation>(state, stateKeys.evaluation(run))) ?? {}
}

/** The graph of a run: of an old one it may be gone, or of another form. */
async function findGraph(
  state: Bucket,
  run: RunId,
  warn: (message: string) => void,
): Promise<Graph | undefined> {
  try {
    return await readGraph(state, run)
  } catch (error) {
    if (!(error instanceof GraphLost || error instanceof GraphOfAnotherVersion)) throw error
    warn(error.message)
    return undefined
  }
}
