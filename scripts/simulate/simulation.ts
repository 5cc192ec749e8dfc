import type { BuildAnswer, Lane, Schedule } from '../../functions/shared/contract.ts'
import {
  chooseBatch,
  type LaneSettings,
  lanesWithWork,
  type Progress,
} from '../../functions/take/choose-batch.ts'
import { handOf, isAwaited } from '../../functions/take/hand.ts'
import { HearthError } from '../../functions/shared/errors.ts'
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
  /** how often a lane took, with or without something new */
  turns: number
  batches: BatchRecord[]
  machines: MachineRecord[]
  /** the builders' own logs */
  builds: BuildRecord[]
  /** what was published, and when, in seconds from the start */
  outcomes: { position: number; published: number }[]
}

// What was lost so often outlives no machine.
const MOST_LOSSES = 200

/** Machines die too often for a build to end. */
export class NeverEnds extends HearthError {
  override name = 'NeverEnds'
  constructor({ derivations }: Schedule, position: number, { deathsPerHour }: WorldSettings) {
    super(
      `${derivations[position]?.drvPath} takes some ${derivations[position]?.seconds.toFixed(0)} s, and was lost ${MOST_LOSSES} times with machines that die ${deathsPerHour} times an hour: use fewer deaths`,
    )
  }
}

interface SimulatedLane {
  lane: Lane
  state: 'parked' | 'taking' | 'starting' | 'building' | 'publishing'
  batches: number
  machine: Machine | undefined
  record: MachineRecord | undefined
  /** when it last took, with or without something new */
  turned: number
  /** handed out and without outcome */
  hand: Set<number>
  batchesInHand: Set<BatchRecord>
  /** of those, what somebody else waited for when they were handed out */
  awaited: Set<number>
  /** when its machine answered last, and what it was building */
  answered: number
  building: BuildAnswer['building']
}

/**
 * Plays a run's lanes with the very functions that Take uses: each lane takes a batch, starts a machine if it has none, builds, publishes, wakes lanes
 * that wait and takes again.
 */
export function simulate(
  schedule: Schedule,
  truth: Truth,
  world: WorldSettings,
  settings: LaneSettings,
): SimulatedRun {
  const clock = new Clock()
  const random = new Random(world.seed ^ 0xdead)
  const published = new Set<number>()
  const taken = new Set<number>()
  const out = new Set<number>()
  const losses = new Map<number, number>()
  const outcomes: SimulatedRun['outcomes'] = []
  const batches: BatchRecord[] = []
  const machines: MachineRecord[] = []
  const builders: Machine[] = []
  let makespan = 0
  let turns = 0
  const systems = [...new Set(schedule.derivations.map(({ system }) => system))]
  const lanes = systems.flatMap((system) =>
    Array.from({ length: settings.lanes }, (_, index): SimulatedLane => ({
      lane: { system, slot: index + 1 },
      state: 'parked',
      batches: 0,
      machine: undefined,
      record: undefined,
      turned: 0,
      hand: new Set(),
      batchesInHand: new Set(),
      awaited: new Set(),
      answered: 0,
      building: [],
    })),
  )

  for (const lane of lanes) takeSoon(lane)
  clock.run()
  for (const batch of batches) {
    const builds =
      builders
        .find(({ name }) => name === batch.machine)
        ?.log.filter((record) => record.batch === batch.id) ?? []
    batch.begun = Math.min(...builds.map(({ begin }) => begin))
    batch.built = Math.max(...builds.map(({ end }) => end))
  }
  return { makespan, turns, batches, machines, builds: builders.flatMap(({ log }) => log), outcomes }

  function progressOf(system: string, own?: SimulatedLane): Progress {
    const busyLanes = lanes.filter(
      (lane) => lane.lane.system === system && lane !== own && lane.hand.size > 0,
    ).length
    const progress: Progress = { published, taken, out, busyLanes }
    if (settings.publishing !== 'rolling' || own?.machine === undefined) return progress
    return { ...progress, hand: handOf(schedule, own.hand, own.building, clock.now - own.answered) }
  }

  function takeSoon(lane: SimulatedLane): void {
    lane.state = 'taking'
    clock.after(world.takeSeconds, () => take(lane))
  }

  function take(lane: SimulatedLane): void {
    turns++
    lane.turned = clock.now
    const positions =
      lane.machine?.isDead === true || (settings.publishing !== 'rolling' && lane.hand.size > 0)
        ? []
        : chooseBatch(schedule, progressOf(lane.lane.system, lane), lane.lane, settings)
    if (positions.length === 0 && lane.hand.size === 0) {
      lane.state = 'parked'
      return
    }
    const machine = lane.machine ?? startMachine(lane)
    lane.state = 'building'
    if (positions.length === 0) return look(lane)
    lane.state = 'starting'
    for (const position of positions) {
      taken.add(position)
      lane.hand.add(position)
    }
    for (const position of positions) if (isAwaited(schedule, position, lane.hand)) lane.awaited.add(position)
    const { system, slot } = lane.lane
    const id = `1-${system}-${slot}-${++lane.batches}`
    const batch: BatchRecord = {
      id,
      lane: lane.lane,
      machine: machine.name,
      taken: clock.now,
      begun: 0,
      built: 0,
      published: 0,
      positions,
    }
    batches.push(batch)
    lane.batchesInHand.add(batch)
    clock.after(Math.max(0, (lane.record?.ready ?? 0) - clock.now), () => {
      lane.state = 'building'
      if (machine.isDead) look(lane)
      else machine.give(id, positions)
    })
  }

  /** Whether the machine has something to report: all of it, or, when parts are published, what is worth a turn. */
  function look(lane: SimulatedLane): void {
    const { machine } = lane
    if (lane.state !== 'building' || machine === undefined) return
    if (machine.isDead) {
      clock.after(world.heartbeatSeconds, () => report(lane, machine))
      return
    }
    if (machine.isDone) {
      // else the lane would take and report nothing, for ever
      if (lane.hand.size > machine.finished.length)
        throw new Error(`a lane holds what ${machine.name} was never given`)
      return report(lane, machine)
    }
    if (settings.publishing === 'whole') return
    const isWanted = machine.finished.some((position) => lane.awaited.has(position))
    if (!isWanted && !machine.hasIdleSlot) return
    const wait =
      lane.turned + (machine.finished.length > 0 ? world.turnSeconds : 3 * world.turnSeconds) - clock.now
    if (wait <= 0.001) return report(lane, machine)
    const { turned } = lane
    clock.after(wait, () => {
      if (lane.turned === turned) look(lane)
    })
  }

  function report(lane: SimulatedLane, machine: Machine): void {
    if (lane.state !== 'building' || lane.machine !== machine) return
    lane.state = 'publishing'
    const finished = machine.isDead ? [...lane.hand] : machine.finished
    machine.finished = []
    lane.answered = clock.now
    lane.building = [...machine.running].flatMap(([position, begun]) => {
      const drvPath = schedule.derivations[position]?.drvPath
      return drvPath === undefined ? [] : [{ drvPath, seconds: clock.now - begun }]
    })
    const isLast = machine.isDone
    if (machine.isDead) lane.machine = undefined
    clock.after(world.publishSeconds, () => publish(lane, machine, finished, isLast))
  }

  function startMachine(lane: SimulatedLane): Machine {
    const { system, slot } = lane.lane
    const count = machines.filter((record) => record.lane === lane.lane).length
    const name = `${system}-${slot}-${count + 1}`
    const machine: Machine = new Machine(name, clock, schedule, truth, settings.slots, () => {
      if (lane.machine === machine) look(lane)
    })
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
        record.exited = clock.now
        machine.die()
        if (lane.hand.size === 0) forget(lane, record)
        else look(lane)
      })
    return machine
  }

  function forget(lane: SimulatedLane, record: MachineRecord): void {
    if (lane.record !== record) return
    lane.machine = undefined
    lane.record = undefined
  }

  function publish(lane: SimulatedLane, machine: Machine, finished: number[], isLast: boolean): void {
    const failed = new Set(
      machine.log.filter(({ result }) => result === 'failed').map(({ position }) => position),
    )
    for (const position of finished) {
      const needs = schedule.derivations[position]?.needs ?? []
      taken.delete(position)
      lane.hand.delete(position)
      if (machine.built.has(position)) {
        published.add(position)
        outcomes.push({ position, published: clock.now })
        makespan = clock.now
      }
      // what was lost, or not begun by a machine that died, is for another machine
      else if (failed.has(position) || needs.some((need) => out.has(need))) out.add(position)
      else countLoss(position)
    }
    for (const batch of lane.batchesInHand)
      if (batch.positions.every((position) => !lane.hand.has(position))) {
        batch.published = clock.now
        lane.batchesInHand.delete(batch)
      }
    // a machine that died while its lane published has something left, and nobody has seen its death yet
    if (machine.isDead && lane.hand.size === 0 && lane.record?.name === machine.name)
      forget(lane, lane.record)
    if (isLast) exitWhenIdle(lane, clock.now - world.publishSeconds)
    takeSoon(lane)
    for (const system of systems) wake(system)
  }

  function countLoss(position: number): void {
    const count = (losses.get(position) ?? 0) + 1
    losses.set(position, count)
    if (count > MOST_LOSSES) throw new NeverEnds(schedule, position, world)
  }

  function exitWhenIdle(lane: SimulatedLane, since: number): void {
    const { record, batches } = lane
    if (record === undefined) return
    clock.after(Math.max(0, world.idleSeconds - (clock.now - since)), () => {
      if (lane.record !== record || lane.batches !== batches || record.died) return
      record.exited = clock.now
      forget(lane, record)
    })
  }

  /** Machines that still run go before those that must be started. */
  function wake(system: string): void {
    const own = lanes.filter(({ lane }) => lane.system === system)
    const parked = own
      .filter(({ state }) => state === 'parked')
      .sort((one, other) => Number(other.machine !== undefined) - Number(one.machine !== undefined))
    if (parked.length === 0) return
    const taking = own.filter(({ state, hand }) => state === 'taking' && hand.size === 0).length
    const count = lanesWithWork(schedule, progressOf(system), system, settings) - taking
    for (const lane of parked.slice(0, Math.max(count, 0))) takeSoon(lane)
  }
}
