import { parentPort, workerData } from 'node:worker_threads'
import { inputOf, kindOf, run } from './execution.ts'
import { minimise } from './minimise.ts'
import { loadSubjects, type Subject } from './targets.ts'

/** What a worker is told. */
export interface Work {
  seed: number
  /** names of targets */
  targets: string[]
  /** executes `first`, `first + step`, … */
  first: number
  step: number
  /** findings of these kinds are known */
  known: string[]
  /** one number for each target, and one more: see `Progress` */
  progress: SharedArrayBuffer
}

/** What a worker finds. */
export interface WorkerFinding {
  target: string
  index: number
  kind: string
  message: string
  input: Uint8Array
  minimised: Uint8Array
}

/**
 * The numbers that a worker shares, as 64-bit floats: for each target how many executions it had, and how many were taken; then the index and the target
 * of the one that runs, and a counter that moves whenever something ends.
 */
export const PROGRESS = { perTarget: 2, index: 0, target: 1, beat: 2, size: 3 }

/** Where the numbers of the running execution begin. */
export function runningAt(targets: number): number {
  return targets * PROGRESS.perTarget
}

/** Executes until it is stopped from outside. */
async function work({ seed, targets, first, step, known, progress }: Work): Promise<void> {
  const subjects = loadSubjects().filter(({ target }) => targets.includes(target.name))
  // The turn of each execution follows from its index, so that an index alone says which target it was.
  const turns = turnsOf(subjects)
  const numbers = new Float64Array(progress)
  const running = runningAt(subjects.length)
  const kinds = new Set(known)
  const beat = (): void =>
    void (numbers[running + PROGRESS.beat] = (numbers[running + PROGRESS.beat] ?? 0) + 1)
  for (let index = first; ; index += step) {
    const turn = turns[index % turns.length] ?? 0
    const subject = subjects[turn]
    if (subject === undefined) return
    numbers[running + PROGRESS.index] = index
    numbers[running + PROGRESS.target] = turn
    const input = inputOf({ seed, target: subject.target.name, index }, subject)
    const { taken, error } = await run(subject, input)
    const at = turn * PROGRESS.perTarget
    numbers[at] = (numbers[at] ?? 0) + 1
    if (taken) numbers[at + 1] = (numbers[at + 1] ?? 0) + 1
    if (error !== undefined && !kinds.has(kindOf(error))) {
      kinds.add(kindOf(error))
      await report(subject, index, input, error, beat)
    }
    beat()
  }
}

/** Which subject has the turn, for each of a round's executions. */
export function turnsOf(subjects: { weight: number }[]): number[] {
  return subjects.flatMap(({ weight }, turn) => Array.from({ length: weight }, () => turn))
}

async function report(
  subject: Subject,
  index: number,
  input: Buffer,
  error: unknown,
  beat: () => void,
): Promise<void> {
  const kind = kindOf(error)
  const minimised = await minimise(input, async (bytes) => {
    beat()
    const { error: again } = await run(subject, bytes)
    return again !== undefined && kindOf(again) === kind
  })
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const finding: WorkerFinding = { target: subject.target.name, index, kind, message, input, minimised }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(finding)
}

// Imported for its names by the main thread, too, which has no port.
if (parentPort !== null) void work(workerData as Work)
