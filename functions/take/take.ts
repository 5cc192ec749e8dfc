import type { SFNClient } from '@aws-sdk/client-sfn'
import { batchId } from '../shared/batch-id.ts'
import type {
  BuildJob,
  Claim,
  Lane,
  LaneWait,
  MachineId,
  MachineJob,
  RunId,
  System,
  TakeAnswer,
  WaveSchedule,
} from '../shared/contract.ts'
import { stateKeys } from '../shared/keys.ts'
import { supersededBy } from '../shared/newest-run.ts'
import { type Bucket, claimJson, findJson, writeJson } from '../shared/objects.ts'
import { readBatches } from '../shared/run-files.ts'
import { readSchedule } from '../shared/schedule-file.ts'
import { buildJob } from './build-job.ts'
import { chooseBatch, defaultLaneSettings, lanesWithWork, type LaneSettings } from './choose-batch.ts'
import { claimBatch } from './claim-batch.ts'
import { noteFound, readFound } from '../shared/found.ts'
import { giveUpWaiting, isWorkerThere } from './mac-workers.ts'
import { park, unpark, wake } from './parked-lanes.ts'
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
 * The next batch for a lane, or undefined when there is none now: then the lane is parked, and somebody wakes it. Asked again with the same `taken`, it gives the same
 * batch.
 */
export async function take(request: TakeRequest, parts: TakeParts): Promise<TakeAnswer | undefined> {
  const { run, lane, token } = request
  const { state, clock } = parts
  let look = await lookFor(request, parts)
  if ('waits' in look) {
    await park(state, run, { version: 1, lane, token, since: clock().toISOString(), waits: look.waits })
    // Who published something before the token was there to see has woken nobody.
    look = await lookFor(request, parts)
    if ('answer' in look) await unpark(state, run, lane)
  }
  if (!('answer' in look)) return undefined
  if (look.answer.verdict === 'over') await endMachine(request, parts)
  return look.answer
}

/** The lane's machine need not wait until it notices that nobody wants it any more. */
async function endMachine({ machine }: TakeRequest, { state }: TakeParts): Promise<void> {
  if (machine === undefined) return
  const end: MachineJob = { version: 1, end: true }
  await writeJson(state, stateKeys.machineJob(machine.id, machine.turns + 1), end)
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
    const isOver = batchesOver(batches, { wave, lane, taken })
    const progress = progressOf(schedule, batches, await readFound(state, run), isOver)
    const left = leftOf(schedule, progress)
    await wakeOthers(left, schedule, progress, busy, request, parts)
    if (!left.some((position) => schedule.derivations[position]?.system === lane.system))
      return { answer: { verdict: 'over' } }
    const missing = await waitForMachine(schedule, request, parts)
    if (missing !== undefined) return missing
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
    })
    for (const [position, claim] of claimed.busy) busy.set(position, claim)
    await noteFound(state, run, claimed.found)
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

/** For a system whose machines nobody starts: what to do while none is there; undefined when one is. */
async function waitForMachine(
  { machines, wave }: WaveSchedule,
  { run, lane: { system } }: TakeRequest,
  { state, clock }: TakeParts,
): Promise<Look | undefined> {
  const { waitHours } = machines[system] ?? {}
  if (waitHours === undefined || (await isWorkerThere(state, system, clock()))) return undefined
  if (await giveUpWaiting(state, { run, wave, system, waitHours }, clock()))
    return { answer: { verdict: 'over' } }
  return { waits: [{ for: 'machine', system }] }
}

function waitsFor({ derivations }: WaveSchedule, busy: Map<number, Claim>): LaneWait[] {
  const byRun = Map.groupBy(busy, ([, { run }]) => run)
  return [...byRun].map(([run, claims]) => ({
    for: 'run',
    run,
    derivations: claims.flatMap(([position]) => derivations[position]?.drvPath ?? []),
  }))
}
