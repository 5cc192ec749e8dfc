import type { SFNClient } from '@aws-sdk/client-sfn'
import { batchId, parseBatchId } from '../shared/batch-id.ts'
import type {
  BuildJob,
  Claim,
  Lane,
  LaneWait,
  MachineId,
  MachineJob,
  ParkedLane,
  RunId,
  System,
  TakeAnswer,
  WaveSchedule,
} from '../shared/contract.ts'
import { noteFound, readFound } from '../shared/found.ts'
import { stateKeys } from '../shared/keys.ts'
import { supersededBy } from '../shared/newest-run.ts'
import { type Bucket, claimJson, findJson } from '../shared/objects.ts'
import { isFinished, readBatches } from '../shared/run-files.ts'
import { readSchedule } from '../shared/schedule-file.ts'
import { buildJob } from './build-job.ts'
import { chooseBatch, defaultLaneSettings, lanesWithWork, type LaneSettings } from './choose-batch.ts'
import { claimBatch } from './claim-batch.ts'
import { noteLost } from './lost-batch.ts'
import { lookForWorker, systemsGivenUp } from './mac-workers.ts'
import { answer, park, unpark, wake, wakeLane } from './parked-lanes.ts'
import { batchesOver, leftOf, progressOf, type RunProgress } from './progress.ts'

/** A lane that asks for work. */
export interface TakeRequest {
  run: RunId
  wave: number
  lane: Lane
  /** how many batches it has taken before in this wave */
  taken: number
  /** its machine; absent when it has none, or has lost it */
  machine?: LaneMachine
  /** to be woken by */
  token: string
}

/** A machine that a lane has started. */
export interface LaneMachine {
  id: MachineId
  /** jobs that it was given */
  turns: number
  /** when it answered the last one, ISO 8601 */
  answered: string
}

export interface TakeParts {
  state: Bucket
  sfn: SFNClient
  /** whether another run still runs */
  isRunning: (run: RunId) => Promise<boolean>
  clock: () => Date
}

/** What there is for a lane at one moment. */
type Look = { answer: TakeAnswer } | { waits: LaneWait[] }

/**
 * Answers a lane with its next batch. When there is none now, the lane is parked, and somebody wakes it. Asked again with the same `taken`, it gives the same batch.
 * @returns what it has answered
 */
export async function take(request: TakeRequest, parts: TakeParts): Promise<TakeAnswer | undefined> {
  const { run, lane, token } = request
  const { state, sfn, clock } = parts
  const since = clock().toISOString()
  let look = await lookFor(request, parts)
  if ('waits' in look) {
    const parked: ParkedLane = { version: 1, lane, token, since, waits: look.waits }
    await park(state, run, parked)
    // Who published something before the token was there to see has woken nobody.
    look = await lookFor(request, parts)
    if ('answer' in look) await unpark(state, run, parked)
  }
  if (!('answer' in look)) return undefined
  if (look.answer.verdict === 'over') await endMachine(request, parts)
  // Step Functions has given this question up, and the lane may have asked again, and have been parked, before it could see what this one has taken for it.
  if (!(await answer(sfn, token, look.answer))) await wakeLane({ state, sfn }, run, lane)
  return look.answer
}

/** The lane's machine need not wait until it notices that nobody wants it any more. */
async function endMachine({ machine }: TakeRequest, { state }: TakeParts): Promise<void> {
  if (machine === undefined) return
  const end: MachineJob = { version: 1, end: true }
  // A job that is there already is not taken away.
  await claimJson(state, stateKeys.machineJob(machine.id, machine.turns + 1), end)
}

async function lookFor(request: TakeRequest, parts: TakeParts): Promise<Look> {
  const { run, wave, lane, taken } = request
  const { state, sfn } = parts
  const schedule = await readSchedule(state, run, wave)
  const batch = batchId({ wave, lane, number: taken + 1 })
  const before = await findJson<BuildJob>(state, stateKeys.batch(run, batch))
  if (before !== undefined) return { answer: buildAnswer(before, request, parts) }
  if (await supersededBy(state, schedule)) {
    await wake({ state, sfn }, run, () => Number.POSITIVE_INFINITY)
    return { answer: { verdict: 'over' } }
  }

  const busy = new Map<number, Claim>()
  for (;;) {
    const batches = await readBatches(state, run)
    const last = batches.find(({ job }) => job.batch === batchId({ wave, lane, number: taken }))
    if (last !== undefined && !isFinished(last)) {
      await noteLost(state, last)
      continue
    }
    const isOver = batchesOver(batches, { wave, lane, taken })
    const found = await readFound(state, run, wave)
    const givenUp = await systemsGivenUp(state, schedule)
    const progress = progressOf(schedule, batches, { found: found.now, givenUp, isOver })
    const left = leftOf(schedule, progress)
    await wakeOthers(left, schedule, progress, busy, request, parts)
    if (!left.some((position) => schedule.derivations[position]?.system === lane.system))
      return { answer: { verdict: 'over' } }
    const worker = await workerFor(schedule, request, parts)
    if (worker === 'givenUp') continue
    if (worker === 'awaited') return { waits: [{ for: 'machine', system: lane.system }] }
    const settings = settingsOf(schedule, lane.system)
    const chosen = chooseBatch(schedule, besides(progress, busy, lane), lane, settings)
    if (chosen.length === 0) return { waits: waitsFor(schedule, busy) }
    const now = parts.clock().toISOString()
    const claimed = await claimBatch(state, schedule, chosen, {
      run,
      batch,
      now,
      isRunning: parts.isRunning,
      isOver,
      isGone: (drvPath, claim) =>
        claim.run === run ? parseBatchId(claim.batch).wave < wave : found.before.has(drvPath),
    })
    for (const [position, claim] of claimed.busy) busy.set(position, claim)
    await noteFound(state, { run, wave }, claimed.found)
    if (claimed.mine.length === 0) continue
    const job = buildJob(schedule, claimed.mine, batch, lane.system)
    if (await claimJson(state, stateKeys.batch(run, batch), job))
      return { answer: buildAnswer(job, request, parts) }
    // A Take that Step Functions had given up wrote it first: its claims have the same name.
    return lookFor(request, parts)
  }
}

// A machine goes when it has had nothing to do for 120 s (HEARTH_IDLE_SECONDS in resources/builders.yml); 30 s are for handing over.
const REUSABLE_MS = 90_000

function buildAnswer(
  { run, batch, system }: BuildJob,
  { machine }: TakeRequest,
  { clock }: TakeParts,
): TakeAnswer {
  const isThere = machine !== undefined && clock().getTime() - Date.parse(machine.answered) < REUSABLE_MS
  return { verdict: 'build', batch, system, job: stateKeys.batch(run, batch), isFresh: !isThere }
}

/** The progress as one lane of a system sees it: what others are building is not to be had. */
function besides(progress: RunProgress, busy: Map<number, Claim>, lane: Pick<Lane, 'system'>) {
  return {
    published: progress.published,
    taken: progress.taken,
    out: new Set([...progress.out, ...busy.keys()]),
    busyLanes: progress.busy.filter(({ system }) => system === lane.system).length,
  }
}

function settingsOf({ machines }: WaveSchedule, system: System): LaneSettings {
  const { lanes = 1, slots = defaultLaneSettings.slots } = machines[system] ?? {}
  return { ...defaultLaneSettings, lanes, slots }
}

/** Wakes as many lanes as would find something now; all of them when nothing is left, so that they end. */
async function wakeOthers(
  left: number[],
  schedule: WaveSchedule,
  progress: RunProgress,
  busy: Map<number, Claim>,
  { run, lane }: TakeRequest,
  { state, sfn }: TakeParts,
): Promise<void> {
  await wake({ state, sfn }, run, (system) => {
    if (!left.some((position) => schedule.derivations[position]?.system === system))
      return Number.POSITIVE_INFINITY
    const own = system === lane.system ? 1 : 0
    const work = lanesWithWork(
      schedule,
      besides(progress, busy, { system }),
      system,
      settingsOf(schedule, system),
    )
    return work - own
  })
}

/** Whether the machines of a lane's system are there; those that are started when they are needed always are. */
async function workerFor(
  { machines, wave }: WaveSchedule,
  { run, lane: { system } }: TakeRequest,
  { state, clock }: TakeParts,
): Promise<'there' | 'awaited' | 'givenUp'> {
  const { waitHours } = machines[system] ?? {}
  return waitHours === undefined ? 'there' : lookForWorker(state, { run, wave, system, waitHours }, clock())
}

function waitsFor({ derivations }: WaveSchedule, busy: Map<number, Claim>): LaneWait[] {
  const byRun = Map.groupBy(busy, ([, { run }]) => run)
  return [...byRun].map(([run, claims]) => ({
    for: 'run',
    run,
    derivations: claims.flatMap(([position]) => derivations[position]?.drvPath ?? []),
  }))
}
