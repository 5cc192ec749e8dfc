import type { ScheduledMachines, System } from '../shared/contract.ts'
import { type Config, FLEET_SYSTEM } from '../shared/parse-config.ts'
import type { Capabilities } from './buildable.ts'
import type { Unranked } from './schedule.ts'

/**
 * The features that a Nix on Linux has by itself without /dev/kvm, and one on macOS. Source: Nix, `Settings::getDefaultSystemFeatures`.
 */
const FEATURES = ['big-parallel', 'benchmark', 'nixos-test']

const NO_FLEET = `hearth.yml says that a CodeBuild fleet builds for ${FLEET_SYSTEM}, and this deployment has none: deploy it with AppleSiliconFleetArn, or take \`fleet\` out and run \`hearth worker\` on a Mac`

/**
 * What the builders that hearth.yml names can do.
 * @param hasFleet whether this deployment has a fleet of Macs
 */
export function capabilitiesOf({ builders }: Pick<Config, 'builders'>, hasFleet: boolean): Capabilities {
  return new Map(
    Object.entries(builders).map(([system, { features, fleet }]) => [
      system,
      fleet === true && !hasFleet ? NO_FLEET : new Set([...FEATURES, ...features]),
    ]),
  )
}

// Step Functions: an inline Map runs at most 40 iterations at once, and a lane that waits for its turn would keep its work from the others.
const MOST_LANES = 40

// A day: a Mac that sleeps at night is there again.
const WAIT_HOURS = 24

/**
 * How many machines work for a wave at once, by system: as many as hearth.yml allows and as there are derivations, and no more than a Map runs at once,
 * in fair shares.
 */
export function machinesFor(
  schedule: Unranked[],
  { builders }: Pick<Config, 'builders'>,
): Record<System, ScheduledMachines> {
  const wanted = Object.entries(builders).flatMap(([system, builder]) => {
    const derivations = schedule.filter((derivation) => derivation.system === system).length
    return derivations === 0 ? [] : [{ system, builder, lanes: Math.min(builder.machines, derivations) }]
  })
  const all = wanted.reduce((sum, { lanes }) => sum + lanes, 0)
  const share = Math.min(1, MOST_LANES / all)
  return Object.fromEntries(
    wanted.map(({ system, builder, lanes }) => [
      system,
      {
        lanes: Math.max(1, Math.floor(lanes * share)),
        slots: builder.slots,
        ...(isStartedWhenNeeded(system, builder) ? {} : { waitHours: builder.waitHours ?? WAIT_HOURS }),
      },
    ]),
  )
}

/** Linux machines are CodeBuild's, and so are the Macs of a fleet. Other Macs are there, or are not: they take what waits for them (`hearth worker`). */
function isStartedWhenNeeded(system: System, { fleet }: Config['builders'][System]): boolean {
  return system.endsWith('-linux') || fleet === true
}
