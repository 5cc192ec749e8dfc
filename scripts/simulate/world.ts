import type { Schedule } from '../../functions/shared/contract.ts'
import { defaultLaneSettings, type LaneSettings } from '../../functions/take/choose-batch.ts'
import { Random } from './random.ts'

/** What is simulated around a schedule. Times in seconds. */
export interface WorldSettings {
  /** machines at a time for each system: its lanes */
  builders: number
  /** derivations that a machine builds at once */
  slots: number
  /** from startBuild until a machine asks for its first job */
  startUpSeconds: number
  /** from a batch's last build until what it made is published: the end of the upload, and Publish */
  publishSeconds: number
  /** from then until a lane has its next batch: Take, and the machine's next look for a job */
  takeSeconds: number
  publishing: LaneSettings['publishing']
  /** when parts are published: how long a lane waits at least from one Take to its next Publish, while it builds */
  turnSeconds: number
  /** a machine without a job exits after it */
  idleSeconds: number
  /** a machine that is silent for so long is lost */
  heartbeatSeconds: number
  /** how often machines die, in an hour of machine time */
  deathsPerHour: number
  /** which part of the derivations fails */
  failureRate: number
  /** by how much builds take longer or shorter than expected: sigma of the logarithm */
  noise: number
  seed: number
}

export const defaultWorld: WorldSettings = {
  builders: 4,
  slots: defaultLaneSettings.slots,
  startUpSeconds: 60,
  publishSeconds: 4,
  takeSeconds: 1,
  publishing: defaultLaneSettings.publishing,
  turnSeconds: 20,
  idleSeconds: 90,
  heartbeatSeconds: 90,
  deathsPerHour: 0,
  failureRate: 0,
  noise: 0.2,
  seed: 1,
}

/** What the schedule does not know: how long builds really take, and which fail. */
export interface Truth {
  seconds: number[]
  fails: boolean[]
}

export function truthOf({ derivations }: Schedule, { seed, noise, failureRate }: WorldSettings): Truth {
  const random = new Random(seed ^ 0x5eed)
  return {
    // the median of what is recorded is what is expected, so its logarithm is off by 0 on average
    seconds: derivations.map(({ seconds }) => random.lognormal(seconds, noise)),
    fails: derivations.map(() => random.next() < failureRate),
  }
}

/** The settings that Take would have in this world. */
export function laneSettingsIn(world: WorldSettings): LaneSettings {
  return {
    ...defaultLaneSettings,
    slots: world.slots,
    lanes: world.builders,
    publishing: world.publishing,
    startUpSeconds: world.startUpSeconds,
    handOverSeconds: world.publishSeconds + world.takeSeconds,
  }
}
