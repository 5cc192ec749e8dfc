import { expect } from 'vitest'
import type {
  BuildJob,
  DerivationOutcome,
  Lane,
  ParkedLane,
  ScheduledMachines,
  System,
  TakeAnswer,
  WaveSchedule,
} from '../../../../functions/shared/contract.ts'
import { parseBatchId } from '../../../../functions/shared/batch-id.ts'
import { stateKeys } from '../../../../functions/shared/keys.ts'
import { readSchedule, writeSchedule } from '../../../../functions/shared/schedule-file.ts'
import { take, type LaneMachine, type TakeRequest } from '../../../../functions/take/take.ts'
import { hashPartOf, type StorePath } from '../../../../nix/store-path.ts'
import { became, outcomeOf } from '../batches.ts'
import { Buckets } from '../buckets.ts'
import { drv, out } from '../graphs.ts'
import { StepFunctions } from '../step-functions.ts'

export const NOW = Date.parse('2026-03-12T19:00:00.000Z')
export const X86 = 'x86_64-linux'
export const MAC = 'aarch64-darwin'

/** A derivation of a schedule: what it needs, and how long it takes, a minute unless it says so. */
export interface Sketch {
  needs?: string[]
  system?: System
  seconds?: number
  outputs?: Record<string, StorePath>
}

let runs = 0

/** The buckets and the Step Functions that runs share, and the time that stands still until a test moves it. */
export class Scene {
  readonly buckets = new Buckets()
  readonly stepFunctions = new StepFunctions()
  now = NOW

  constructor() {
    this.buckets.clock = () => new Date(this.now)
  }

  /** A run with a schedule; each has a name of its own, because functions remember what they have read. */
  async run(
    sketches: Record<string, Sketch>,
    machines: Record<System, ScheduledMachines> = { [X86]: { lanes: 2, slots: 1 } },
    changes: Partial<WaveSchedule> = {},
  ): Promise<SceneRun> {
    const run = new SceneRun(this, `take-${++runs}`)
    await run.plan(sketches, machines, changes)
    return run
  }
}

/** A run whose lanes ask, one by one. */
export class SceneRun {
  readonly name: string
  readonly #scene: Scene
  /** what was answered to each token */
  readonly answers = new Map<string, TakeAnswer>()
  #tokens = 0

  constructor(scene: Scene, name: string) {
    this.#scene = scene
    this.name = name
    scene.stepFunctions.running.add(name)
  }

  async plan(
    sketches: Record<string, Sketch>,
    machines: Record<System, ScheduledMachines>,
    changes: Partial<WaveSchedule> = {},
  ): Promise<void> {
    const names = Object.keys(sketches)
    const state = this.#scene.buckets.bucket('state')
    const schedule: WaveSchedule = {
      version: 1,
      run: this.name,
      wave: 1,
      target: { repository: 'acme/shells', ref: 'refs/heads/main', commit: '1'.repeat(40) },
      machines,
      job: { archive: { key: 'archive', sha256: 'abc' }, upstreams: [], publicKeys: [], maxNarSize: 1e9 },
      derivations: Object.entries(sketches).map(([name, sketch]) => {
        const { needs = [], system = X86, seconds = 60, outputs = { out: out(name) } } = sketch
        const positions = needs.map((need) => names.indexOf(need))
        const needsPublished = positions.filter((at) => (sketches[names[at] ?? '']?.system ?? X86) !== system)
        return {
          drvPath: drv(name),
          system,
          outputs,
          inputs: [],
          needs: positions,
          needsPublished,
          seconds,
          path: seconds,
        }
      }),
      ...changes,
    }
    await writeSchedule(state, schedule)
    // unpacking it takes real time, once
    await readSchedule(state, this.name, schedule.wave)
  }

  /** A lane begins to wait with a new token. */
  question(slot: number, taken: number, changes: Partial<TakeRequest> = {}): TakeRequest {
    const lane: Lane = { system: X86, slot }
    const token = `${this.name} ${++this.#tokens}`
    this.#scene.stepFunctions.wait(token, (output) => this.answers.set(token, output as TakeAnswer))
    return { run: this.name, wave: 1, lane, taken, token, ...changes }
  }

  /** Take, as Step Functions invokes it. */
  async ask(request: TakeRequest): Promise<TakeAnswer | undefined> {
    const { buckets, stepFunctions, now } = this.#scene
    await take(request, {
      state: buckets.bucket('state'),
      sfn: stepFunctions.sfn,
      isRunning: async (other) => stepFunctions.running.has(other),
      clock: () => new Date(now),
    })
    return this.answers.get(request.token)
  }

  /** What a lane is told, with a new token. */
  async take(
    slot: number,
    taken: number,
    changes: Partial<TakeRequest> = {},
  ): Promise<TakeAnswer | undefined> {
    return this.ask(this.question(slot, taken, changes))
  }

  /** As `take`: the names of what is to be built, when it is told to build, and else the verdict. */
  async taken(slot: number, taken: number, changes: Partial<TakeRequest> = {}): Promise<string> {
    return this.show(await this.take(slot, taken, changes))
  }

  show(answer: TakeAnswer | undefined): string {
    if (answer?.verdict !== 'build') return answer?.verdict ?? 'parked'
    if (answer.given === undefined) return `goes on with ${answer.hand.join(', ')}`
    return this.jobOf(answer.given.batch)
      .derivations.map(({ drvPath }) => drvPath.slice(44, -'.drv'.length))
      .join(', ')
  }

  jobOf(batch: string): BuildJob {
    const job = this.#scene.buckets.json(`state/${stateKeys.batch(this.name, batch)}`)
    expect(job).toBeDefined()
    return job as BuildJob
  }

  /** Publish says what became of a batch: the same of all of it. */
  publish(batch: string, outcome: DerivationOutcome['outcome'] = 'published', some?: string[]): void {
    const { buckets, now } = this.#scene
    const all = this.jobOf(batch).derivations.map(({ drvPath }) => drvPath)
    const said = some === undefined ? all : some.map(drv)
    const told = said.map((drvPath) => became(drvPath, outcome))
    const at = new Date(now).toISOString()
    buckets.put(`state/${stateKeys.outcome(this.name, batch)}`, {
      ...outcomeOf(this.name, batch, told),
      said: at,
    })
    if (outcome !== 'failed') return
    for (const drvPath of said) {
      const failure = { version: 1, drvPath, run: this.name, message: 'failed!', logTail: [], failed: at }
      buckets.put(`state/${stateKeys.failure(hashPartOf(drvPath))}`, failure)
    }
  }

  /** Somebody else has published it. */
  found(name: string): void {
    const found = { version: 1, wave: 1, derivations: [drv(name)] }
    this.#scene.buckets.put(`state/${stateKeys.found(this.name, 1, name)}`, found)
  }

  outcomes(): string[] {
    const prefix = stateKeys.outcomes(this.name)
    return this.#scene.buckets.keys('state').filter((key) => key.startsWith(prefix))
  }

  batches(): { slot: number; number: number }[] {
    const prefix = stateKeys.batches(this.name)
    const keys = this.#scene.buckets.keys('state').filter((key) => key.startsWith(prefix))
    return keys.map((key) => {
      const { lane, number } = parseBatchId(key.slice(prefix.length, -'.json'.length))
      return { slot: lane.slot, number }
    })
  }

  parked(): ParkedLane[] {
    const prefix = stateKeys.parkedLanes(this.name)
    const keys = this.#scene.buckets.keys('state').filter((key) => key.startsWith(prefix))
    return keys.map((key) => this.#scene.buckets.json(`state/${key}`) as ParkedLane)
  }

  end(): void {
    this.#scene.stepFunctions.running.delete(this.name)
    this.#scene.stepFunctions.ended.add(this.name)
  }

  machine(answered: number, turns = 1, changes: Partial<LaneMachine> = {}): { machine: LaneMachine } {
    const report = { turns, answered: new Date(answered).toISOString(), isDone: true, building: [] }
    return { machine: { id: 'AROABUILDER:AWSCodeBuild-1', ...report, ...changes } }
  }
}
