import type { System, WaveSchedule } from '../shared/contract.ts'
import { stateKeys } from '../shared/keys.ts'
import { objectsUnder } from '../shared/list-objects.ts'
import type { Bucket } from '../shared/objects.ts'
import { isWorkerThere, kindOfMachines } from '../take/mac-workers.ts'

/** The systems of a wave whose machines nobody starts, and of which none is there. */
export async function waitingSystems(
  state: Bucket,
  schedule: Pick<WaveSchedule, 'machines'>,
  now: Date,
): Promise<Set<System>> {
  const awaited = Object.keys(schedule.machines).filter(
    (system) => kindOfMachines(schedule, system) === 'activity',
  )
  const signs = await Promise.all(
    awaited.map(async (system) => [...(await objectsUnder(state, stateKeys.workers(system))).values()]),
  )
  return new Set(awaited.filter((_, index) => !isWorkerThere(signs[index] ?? [], now)))
}
