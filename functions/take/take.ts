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
  TakeAnswer,
  WaveSchedule,
} from '../shared/contract.ts'
import { noteFound } from '../shared/found.ts'
import { stateKeys } from '../shared/keys.ts'
import { supersededBy } from '../shared/newest-run.ts'
import { type Bucket, claimJson, findJson } from '../shared/objects.ts'
import { readSchedule } from '../shared/schedule-file.ts'
import { buildJob } from './build-job.ts'
import { chooseBatch } from './choose-batch.ts'
import { claimBatch } from './claim-batch.ts'
import { lookForWorker } from './mac-workers.ts'
import { answer, forgetParked, park, unpark, wake, wakeLane } from './parked-lanes.ts'
import { isAnythingLeft, progressFor, settingsOf, viewRun } from './run-view.ts'
import { wakeOthers } from './wake-others.ts'

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
type Look = { answer: TakeAnswer } | { waits: LaneWait[]; seen: number }

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
    const parked: ParkedLane = { version: 1, lane, token, since, seen: look.seen, waits: look.waits }
    await park(state, run, parked)
    // Who published something before the token was there to see has woken nobody.
    look = await lookFor(request, parts)
    if ('answer' in look) await unpark(state, run, parked)
  }
  if (!('answer' in look)) return undefined
  if (look.answer.verdict === 'over') {
    await endMachine(request, parts)
    await forgetParked(state, run, lane, since)
  }
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
  const { state } = parts
  const schedule = await readSchedule(state, run, wave)
  const batch = batchId({ wave, lane, number: taken + 1 })
  const busy = new Map<number, Claim>()
  const before = await findJson<BuildJob>(state, stateKeys.batch(run, batch))
  if (before !== undefined) {
    // The Take that wrote it may have died before it could wake anybody.
    await wakeOthers(await viewRun(state, schedule, request), busy, lane, true, parts)
    return { answer: buildAnswer(before, request, parts) }
  }
  if (await supersededBy(state, schedule)) {
    await wake(parts, run, { most: () => Number.POSITIVE_INFINITY, mayWake: () => true })
    return { answer: { verdict: 'over' } }
  }

  for (;;) {
    const view = await viewRun(state, schedule, request)
    if (!isAnythingLeft(view, lane.system)) {
      await wakeOthers(view, busy, lane, true, parts)
      return { answer: { verdict: 'over' } }
    }
    const worker = await workerFor(schedule, request, parts)
    if (worker === 'givenUp') continue
    const settings = settingsOf(schedule, lane.system)
    const chosen =
      worker === 'there' ? chooseBatch(schedule, progressFor(view, busy, lane), lane, settings) : []
    if (chosen.length === 0) {
      await wakeOthers(view, busy, lane, false, parts)
      const waits = worker === 'there' ? waitsFor(schedule, busy) : [machineWait(lane)]
      return { waits, seen: view.seen }
    }
    const claimed = await claimBatch(state, schedule, chosen, {
      run,
      batch,
      now: parts.clock().toISOString(),
      isRunning: parts.isRunning,
      isOver: view.isOver,
      isGone: (drvPath, claim) =>
        claim.run === run ? parseBatchId(claim.batch).wave < wave : view.found.before.has(drvPath),
    })
    for (const [position, claim] of claimed.busy) busy.set(position, claim)
    await noteFound(state, { run, wave }, claimed.found)
    if (claimed.mine.length === 0) continue
    // When a Take that Step Functions had given up wrote it first, its batch stands: its claims have the same name.
    await claimJson(state, stateKeys.batch(run, batch), buildJob(schedule, claimed.mine, batch, lane.system))
    return lookFor(request, parts)
  }
}

function machineWait({ system }: Lane): LaneWait {
  return { for: 'machine', system }
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
