import type { Lane, Schedule } from '../../functions/shared/contract.ts'
import { chooseBatch, type LaneSettings, lanesWithWork, type Progress } from '../../functions/take/choose-batch.ts'
import { Clock } from './clock.ts'
import { type BuildRecord, Machine } from './machine.ts'
import { Random } from './random.ts'
import type { Truth, WorldSettings } from './world.ts'

/** A batch as the lane saw it. */
export interface BatchRecord {
  id: string
  lane: Lane
  machine: string
  /** seconds from the start of the run: Take handed it out, its machine began, its last build ended, it was published */
  taken: number
  begun: number
  built: number
  published: number
  positions: number[]
}

/** A machine's life, for which one pays. */
export interface MachineRecord {
  name: string
  lane: Lane
  started: number
  ready: number
  exited: number
  died: boolean
}

export interface SimulatedRun {
  /** seconds until the last batch was published */
  makespan: number
  batches: BatchRecord[]
  machines: MachineRecord[]
  /** the builders' own logs */
  builds: BuildRecord[]
  published: ReadonlySet<number>
  out: ReadonlySet<number>
}

interface SimulatedLane {
  lane: Lane
  state: 'parked' | 'taking' | 'busy'
  batches: number
  machine: Machine | undefined
  record: MachineRecord | undefined
}

/**
 * Plays a run's lanes with the very functions that Take uses: each lane takes a batch, starts a machine if it has none, builds, publishes, wakes lanes
 * that wait and takes again. Nothing is published before all of its batch is built.
 */
export function simulate(schedule: Schedule, truth: Truth, world: WorldSettings, settings: LaneSettings): SimulatedRun {
  const clock = new Clock()
  const random = new Random(world.seed ^ 0xdead)
  const published = new Set<number>()
  const taken = new Set<number>()
  const out = new Set<number>()
  const batches: BatchRecord[] = []
  const machines: MachineRecord[] = []
  const builders: Machine[] = []
  const systems = [...new Set(schedule.derivations.map(({ system }) => system))]
  const lanes = systems.flatMap((system) =>
    Array.from(
      { length: settings.lanes },
      (_, index): SimulatedLane => ({
        lane: { system, slot: index + 1 },
        state: 'parked',
        batches: 0,
        machine: undefined,
        record: undefined,
      }),
    ),
  )

  for (const lane of lanes) takeSoon(lane)
  clock.run()
  return {
    makespan: Math.max(0, ...batches.map(({ published }) => published)),
    batches,
    machines,
    builds: builders.flatMap(({ log }) => log),
    published,
    out,
  }

  function progressOf(system: string): Progress {
    const busyLanes = lanes.filter(({ lane, state }) => lane.system === system && state === 'busy').length
    return { published, taken, out, busyLanes }
  }

  function takeSoon(lane: SimulatedLane): void {
    lane.state = 'taking'
    clock.after(world.takeSeconds, () => take(lane))
  }

  function take(lane: SimulatedLane): void {
    const positions = chooseBatch(schedule, progressOf(lane.lane.system), lane.lane, settings)
    if (positions.length === 0) {
      lane.state = 'parked'
      return
    }
    lane.state = 'busy'
    for (const position of positions) taken.add(position)
    const { system, slot } = lane.lane
    const id = `1-${system}-${slot}-${++lane.batches}`
    const machine = lane.machine ?? startMachine(lane)
    const wait = Math.max(0, (lane.record?.ready ?? 0) - clock.now)
    const batch: BatchRecord = { id, lane: lane.lane, machine: machine.name, taken: clock.now, begun: clock.now + wait, built: 0, published: 0, positions }
    batches.push(batch)
    const isOver = (): void => {
      batch.built = clock.now
      clock.after(world.publishSeconds, () => publish(lane, batch))
    }
    clock.after(wait, () =>
      machine.build(id, positions, isOver, () => clock.after(world.heartbeatSeconds, isOver)),
    )
  }

  function startMachine(lane: SimulatedLane): Machine {
    const { system, slot } = lane.lane
    const count = machines.filter((record) => record.lane === lane.lane).length
    const name = `${system}-${slot}-${count + 1}`
    const machine = new Machine(name, clock, schedule, truth, settings.slots)
    const ready = clock.now + world.startUpSeconds
    const record: MachineRecord = { name, lane: lane.lane, started: clock.now, ready, exited: 0, died: false }
    lane.machine = machine
    lane.record = record
    machines.push(record)
    builders.push(machine)
    if (world.deathsPerHour > 0)
      clock.after(world.startUpSeconds + random.exponential(3600 / world.deathsPerHour), () => {
        if (record.exited > 0) return
        record.died = true
        leave(lane, record)
        machine.die()
      })
    return machine
  }

  function leave(lane: SimulatedLane, record: MachineRecord): void {
    record.exited = clock.now
    if (lane.record !== record) return
    lane.machine = undefined
    lane.record = undefined
  }

  function publish(lane: SimulatedLane, batch: BatchRecord): void {
    batch.published = clock.now
    const log = builders.find(({ name }) => name === batch.machine)?.log ?? []
    const results = new Map(log.filter(({ batch: id }) => id === batch.id).map(({ position, result }) => [position, result]))
    const inBatch = new Set(batch.positions)
    for (const position of batch.positions) {
      const result = results.get(position)
      const needs = schedule.derivations[position]?.needs ?? []
      taken.delete(position)
      if (result === 'built') published.add(position)
      // what was lost, or not begun by a machine that died, is for another machine
      else if (result === 'failed' || needs.some((need) => inBatch.has(need) && out.has(need))) out.add(position)
    }
    exitWhenIdle(lane, batch)
    takeSoon(lane)
    for (const system of systems) wake(system)
  }

  function exitWhenIdle(lane: SimulatedLane, batch: BatchRecord): void {
    const { record } = lane
    if (record === undefined) return
    const { batches } = lane
    clock.after(Math.max(0, world.idleSeconds - (clock.now - batch.built)), () => {
      if (lane.record === record && lane.batches === batches) leave(lane, record)
    })
  }

  /** Machines that still run go before those that must be started. */
  function wake(system: string): void {
    const own = lanes.filter(({ lane }) => lane.system === system)
    const taking = own.filter(({ state }) => state === 'taking').length
    const count = lanesWithWork(schedule, progressOf(system), system, settings) - taking
    const parked = own
      .filter(({ state }) => state === 'parked')
      .sort((one, other) => Number(other.machine !== undefined) - Number(one.machine !== undefined))
    for (const lane of parked.slice(0, Math.max(count, 0))) takeSoon(lane)
  }
}
