import type {
  BatchId,
  BatchMachine,
  MachineId,
  ParkedLane,
  RunId,
  System,
} from '../../../functions/shared/contract.ts'
import { readFound } from '../../../functions/shared/found.ts'
import { stagedKeys, stagingPrefixOfBatch, stateKeys } from '../../../functions/shared/keys.ts'
import { objectsUnder } from '../../../functions/shared/list-objects.ts'
import { findJson } from '../../../functions/shared/objects.ts'
import { isFinished, readBatches, type TriedBatch } from '../../../functions/shared/run-files.ts'
import { readSchedule } from '../../../functions/shared/schedule-file.ts'
import type { Deployment } from '../deployment.ts'
import { type BatchReport, liveRun, type LiveRun } from './live-run.ts'

/** Where a run leaves word. */
type Places = Pick<Deployment, 'state' | 'staging'>

/** What a run is doing now, or undefined while it has planned nothing. */
export async function readLive(deployment: Places, run: RunId): Promise<LiveRun | undefined> {
  const { state } = deployment
  const waves = [...(await objectsUnder(state, stateKeys.schedules(run))).keys()]
  if (waves.length === 0) return undefined
  const [schedule, batches, found, parked] = await Promise.all([
    readSchedule(state, run, waves.length),
    readBatches(state, run),
    readFound(state, run, waves.length),
    readParked(deployment, run),
  ])
  const reports = new Map<BatchId, BatchReport>()
  await Promise.all(
    batches
      .filter((batch) => !isFinished(batch))
      .map(async (batch) => {
        const report = await readReport(deployment, batch)
        if (report !== undefined) reports.set(batch.job.batch, report)
      }),
  )
  return liveRun({ schedule, batches, parked, reports, found: found.now })
}

async function readParked({ state }: Places, run: RunId): Promise<ParkedLane[]> {
  const keys = [...(await objectsUnder(state, stateKeys.parkedLanes(run))).keys()]
  const lanes = await Promise.all(keys.map((key) => findJson<ParkedLane>(state, key)))
  // one that is not there any more has been woken
  return lanes.filter((lane) => lane !== undefined)
}

/** What the machine of a batch said last; it says something every 15 seconds at most, each time in a new object. */
async function readReport(
  deployment: Places,
  { job: { run, batch, system } }: TriedBatch,
): Promise<BatchReport | undefined> {
  const { state, staging } = deployment
  const served = await findJson<BatchMachine>(state, stateKeys.batchMachine(run, batch))
  for (const machine of served === undefined ? await workersOf(deployment, system) : [served.machine]) {
    const prefix = stagedKeys.progress(stagingPrefixOfBatch(machine, run, batch))
    const keys = [...(await objectsUnder(staging, prefix)).keys()]
    const newest = keys.toSorted((a, b) => numberOf(a) - numberOf(b)).at(-1)
    if (newest !== undefined) return findJson<BatchReport>(staging, newest)
  }
  return undefined
}

/** Which of a system's workers took a batch, only Step Functions knows until it is built: any of them may have. */
async function workersOf({ state }: Places, system: System): Promise<MachineId[]> {
  const prefix = stateKeys.workers(system)
  const keys = [...(await objectsUnder(state, prefix)).keys()]
  return keys.map((key) => key.slice(prefix.length, -'.json'.length))
}

function numberOf(key: string): number {
  return Number(/(\d+)\.json$/.exec(key)?.[1])
}
