import type { MachineKind, RunId, System, WaveSchedule } from '../shared/contract.ts'
import { stateKeys } from '../shared/keys.ts'
import { type ListedObject, objectsUnder } from '../shared/list-objects.ts'
import { type Bucket, writeJson } from '../shared/objects.ts'

// Workers leave a sign of life every minute; 3 minutes without one are not a hiccup.
const SILENCE_MS = 3 * 60 * 1000

/**
 * Whether a machine that nobody starts, such as a Mac with `hearth worker`, is there for a system. `givenUp`: the run has waited for one as long as it may, since it
 * was planned or the last one went; that is written down, for Plan to say so.
 */
export async function lookForWorker(
  state: Bucket,
  { run, wave, system, waitHours }: { run: RunId; wave: number; system: System; waitHours: number },
  now: Date,
): Promise<'there' | 'awaited' | 'givenUp'> {
  const signs = await objectsUnder(state, stateKeys.workers(system))
  if (isWorkerThere([...signs.values()], now)) return 'there'
  const seen = lastSeen([...signs.values()])
  const schedule = stateKeys.schedule(run, wave)
  const planned = (await objectsUnder(state, schedule)).get(schedule)?.modified ?? now
  if (now.getTime() - Math.max(seen, planned.getTime()) < waitHours * 3_600_000) return 'awaited'
  await writeJson(state, stateKeys.givenUp(run, system), { version: 1, system, waitHours })
  return 'givenUp'
}

/** Whether one of these signs of life is fresh. */
export function isWorkerThere(signs: Pick<ListedObject, 'modified'>[], now: Date): boolean {
  return now.getTime() - lastSeen(signs) < SILENCE_MS
}

function lastSeen(signs: Pick<ListedObject, 'modified'>[]): number {
  return Math.max(0, ...signs.map(({ modified }) => modified.getTime()))
}

/** What a system's machines are in a wave: for machines that nobody starts Plan has said how long the run waits. */
export function kindOfMachines({ machines }: Pick<WaveSchedule, 'machines'>, system: System): MachineKind {
  return machines[system]?.waitHours === undefined ? 'codebuild' : 'activity'
}

/** The systems that nobody waits for any more. What needs them is not built in this run. */
export async function systemsGivenUp(
  state: Bucket,
  { run, machines }: Pick<WaveSchedule, 'run' | 'machines'>,
): Promise<Set<System>> {
  const awaited = Object.entries(machines).filter(([, { waitHours }]) => waitHours !== undefined)
  if (awaited.length === 0) return new Set()
  const given = await objectsUnder(state, stateKeys.givenUps(run))
  return new Set(
    awaited.map(([system]) => system).filter((system) => given.has(stateKeys.givenUp(run, system))),
  )
}
