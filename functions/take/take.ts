import type { SFNClient } from '@aws-sdk/client-sfn'
import { batchId, parseBatchId } from '../shared/batch-id.ts'
import type {
  BuildAnswer,
  BuildJob,
  Claim,
  Lane,
  LaneWait,
  MachineId,
  MachineJob,
  MachineKind,
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
import { handOf } from './hand.ts'
import { kindOfMachines, lookForWorker } from './mac-workers.ts'
import { answer, forgetParked, park, unpark, wake, wakeLane } from './parked-lanes.ts'
import { nameOfLane } from './progress.ts'
import { isAnythingLeft, progressFor, type RunView, settingsOf, viewRun } from './run-view.ts'
import { leaveWord, wakeWaitingRuns } from './waiting-runs.ts'
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
export interface LaneMachine extends Omit<BuildAnswer, 'machine'> {
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
  // after it: what nobody spoke of is lost by now, and that is said, too
  await wakeWaitingRuns(parts, run)
  if ('waits' in look) {
    const parked: ParkedLane = { version: 1, lane, token, since, seen: look.seen, waits: look.waits }
    await park(state, run, parked)
    await leaveWord(state, run, look.waits)
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
  const { run, wave, lane, taken, machine } = request
  const { state } = parts
  const schedule = await readSchedule(state, run, wave)
  const asking = { lane, taken, isAtWork: machine !== undefined && !machine.isDone }
  const batch = batchId({ wave, lane, number: taken + 1 })
  const kind = kindOfMachines(schedule, lane.system)
  const busy = new Map<number, Claim>()
  const before = await findJson<BuildJob>(state, stateKeys.batch(run, batch))
  if (before !== undefined) {
    // The Take that wrote it may have died before it could wake anybody.
    const view = await viewRun(state, schedule, asking, parts.clock())
    await wakeOthers(view, busy, lane, true, { ...parts, now: parts.clock() })
    return { answer: newBatch(before, kind, view, request, parts) }
  }
  const isSuperseded = (await supersededBy(state, schedule)) !== undefined
  if (isSuperseded) await wake(parts, run, { most: () => Number.POSITIVE_INFINITY, mayWake: () => true })

  for (;;) {
    const now = parts.clock()
    const services = { ...parts, now }
    const view = await viewRun(state, schedule, asking, now)
    const goOn = { verdict: 'build' as const, system: lane.system, kind, hand: view.hand, isFresh: false }
    // What it has in hand may be staged by now, and it may have gone: that is found out before it is given more.
    if (view.hand.length > 0 && machine !== undefined && secondsSince(machine, now) >= REUSABLE_SECONDS)
      return { answer: goOn }
    if (isSuperseded || !isAnythingLeft(view, lane.system)) {
      if (!isSuperseded) await wakeOthers(view, busy, lane, true, services)
      return { answer: view.hand.length > 0 ? goOn : { verdict: 'over' } }
    }
    const worker = await workerFor(schedule, request, parts)
    if (worker === 'givenUp') continue
    const inHand = view.progress.hands.get(nameOfLane(lane))?.positions ?? new Set()
    const hand = machine && { hand: handOf(schedule, inHand, machine.building, secondsSince(machine, now)) }
    const choose = (on?: LaneMachine): number[] => {
      const seeker = { system: lane.system, now, own: lane, machine: on?.id }
      const progress = { ...progressFor(view, busy, seeker), ...hand }
      return chooseBatch(schedule, progress, lane, settingsOf(schedule, lane.system))
    }
    let chosen = worker === 'there' ? choose(machine) : []
    // What has failed on its machine is worth another one.
    if (chosen.length === 0 && worker === 'there' && view.hand.length === 0) chosen = choose()
    if (chosen.length === 0) {
      await wakeOthers(view, busy, lane, false, services)
      if (view.hand.length > 0) return { answer: goOn }
      const waits = worker === 'there' ? waitsFor(schedule, busy) : [machineWait(lane)]
      return { waits, seen: view.seen }
    }
    const claimed = await claimBatch(state, schedule, chosen, {
      run,
      batch,
      now: now.toISOString(),
      started: schedule.started ?? '',
      isRunning: parts.isRunning,
      isOver: view.isOver,
      isGone: (drvPath, claim) =>
        claim.run === run ? parseBatchId(claim.batch).wave < wave : view.found.before.has(drvPath),
    })
    for (const [position, claim] of claimed.busy) busy.set(position, claim)
    await noteFound(state, { run, wave }, claimed.found, claimed.failed)
    if (claimed.mine.length === 0) continue
    // When a Take that Step Functions had given up wrote it first, its batch stands: its claims have the same name.
    const job = buildJob(schedule, claimed.mine, batch, lane.system, inHand)
    await claimJson(state, stateKeys.batch(run, batch), job)
    return lookFor(request, parts)
  }
}

function machineWait({ system }: Lane): LaneWait {
  return { for: 'machine', system }
}

// A machine goes when it has had nothing in hand for 120 s (HEARTH_IDLE_SECONDS in resources/builders.yml); 30 s are for handing over.
const REUSABLE_SECONDS = 90

function newBatch(
  { run, batch, system, derivations }: BuildJob,
  kind: MachineKind,
  { schedule, progress: { passing }, hand }: RunView,
  { machine }: TakeRequest,
  { clock }: TakeParts,
): TakeAnswer {
  const given = { batch, job: stateKeys.batch(run, batch) }
  const drvPaths = new Set(derivations.map(({ drvPath }) => drvPath))
  const hasFailedThere = [...passing].some(([position, one]) => {
    const drvPath = schedule.derivations[position]?.drvPath
    return one.machine === machine?.id && drvPath !== undefined && drvPaths.has(drvPath)
  })
  const isThere =
    machine !== undefined &&
    !hasFailedThere &&
    // one that still had something when it answered may have staged that since, and have gone
    ((!machine.isDone && hand.length > 0) || secondsSince(machine, clock()) < REUSABLE_SECONDS)
  return { verdict: 'build', system, kind, hand: [...hand, batch], given, isFresh: !isThere }
}

function secondsSince({ answered }: LaneMachine, now: Date): number {
  return (now.getTime() - Date.parse(answered)) / 1000
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
