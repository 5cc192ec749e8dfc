import type { BuildJob, Lane, MachineJob, TakeAnswer } from '../../../../functions/shared/contract.ts'
import { stateKeys } from '../../../../functions/shared/keys.ts'
import { readJson } from '../../../../functions/shared/objects.ts'
import { take, type LaneMachine } from '../../../../functions/take/take.ts'
import type { Buckets } from '../buckets.ts'
import type { StepFunctions } from '../step-functions.ts'
import type { VirtualTime } from './virtual-time.ts'

/** What the lanes of `statemachines/lane.asl.json` meet. */
export interface World {
  buckets: Buckets
  stepFunctions: StepFunctions
  time: VirtualTime
  /** Builds and publishes a batch: begins now, and says when it is over. */
  build: (
    job: BuildJob,
    machine: string,
  ) => { seconds: number; end: () => Promise<void>; isMachineLost: boolean }
}

interface LaneState {
  taken: number
  machine: LaneMachine | undefined
  patience: number
}

/** What was seen of a lane. */
export interface LaneLog {
  takes: number
  machines: number
  isOver: boolean
}

let tokens = 0

/**
 * One lane, state by state as `statemachines/lane.asl.json` has it, with machines that answer when they have built all: Take, StartMachine, Build, Publish, and Take again, until Take says that it is
 * over.
 */
export function runLane(
  { buckets, stepFunctions, time, build }: World,
  run: string,
  wave: number,
  lane: Lane,
): LaneLog {
  const log: LaneLog = { takes: 0, machines: 0, isOver: false }
  const state: LaneState = { taken: 0, machine: undefined, patience: 60 }
  const bucket = buckets.bucket('state')
  const { sfn } = stepFunctions
  time.after(0, takeState)
  return log

  async function takeState(): Promise<void> {
    log.takes++
    const token = `${run} ${lane.system} ${lane.slot} #${++tokens}`
    stepFunctions.wait(token, (output) => time.after(0, async () => answered(output as TakeAnswer)))
    const timeout = lane.slot === 1 ? state.patience : 3600
    time.after(timeout, async () => {
      if (!stepFunctions.isWaiting(token)) return
      stepFunctions.timeOut(token)
      state.patience = Math.min(state.patience * 2, 600)
      await takeState()
    })
    const { machine, taken } = state
    const request = { run, wave, lane, taken, token, ...(machine === undefined ? {} : { machine }) }
    const isRunning = async (other: string): Promise<boolean> => stepFunctions.running.has(other)
    await take(request, { state: bucket, sfn, isRunning, clock: () => time.now() })
  }

  async function answered(output: TakeAnswer): Promise<void> {
    if (output.verdict === 'look') return takeState()
    if (output.verdict === 'over') {
      if (state.machine !== undefined) await expectEnd(state.machine)
      log.isOver = true
      return undefined
    }
    state.patience = 60
    const isMac = output.system.endsWith('-darwin')
    if (output.isFresh && !isMac) {
      state.machine = {
        id: `AROABUILDER:AWSCodeBuild-${++tokens}`,
        turns: 0,
        answered: time.now().toISOString(),
        isDone: true,
        building: [],
      }
      log.machines++
    }
    const job = await readJson<BuildJob>(bucket, output.given?.job ?? '')
    const { seconds, end, isMachineLost } = build(
      job,
      isMac ? `AROAWORKER:${lane.slot}` : (state.machine?.id ?? ''),
    )
    time.after(seconds, async () => {
      const { machine } = state
      if (isMachineLost || machine === undefined) state.machine = undefined
      else state.machine = { ...machine, turns: machine.turns + 1, answered: time.now().toISOString() }
      await end()
      state.taken++
      await takeState()
    })
    return undefined
  }

  /** Nobody waits for work that does not come: the machine was told to go. */
  async function expectEnd({ id, turns }: LaneMachine): Promise<void> {
    const job = await readJson<MachineJob>(bucket, stateKeys.machineJob(id, turns + 1))
    if (!('end' in job)) throw new Error(`${id} was not told to end`)
  }
}
