import { availableParallelism } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { inputOf } from './execution.ts'
import type { Finding } from './findings.ts'
import type { Subject } from './targets.ts'
import { PROGRESS, runningAt, type Work, type WorkerFinding } from './worker.ts'

export interface Campaign {
  seed: number
  subjects: (Subject & { weight: number })[]
  /** ends after so many executions, or so many seconds, whatever comes first */
  executions: number
  seconds: number
  /** hears of every finding, when it is there */
  found: (finding: Finding) => void
  /** hears of the counts every few seconds */
  progress: (counts: Counts) => void
}

/** Executions, and how many of them were taken, by target. */
export interface Counts {
  seconds: number
  executions: number
  targets: Record<string, { executions: number; taken: number }>
  /** the most memory that the whole process had, in bytes */
  rss: number
}

// An execution takes less than a millisecond; 5 s are no busy machine, but a hang.
const HANG_MS = 5_000
// Each worker holds the corpus, some inputs of 24 KiB, and the code: less than 100 MiB. What takes more for such an input amplifies it some thousand times.
const WORKER_HEAP_MIB = 256
const MAX_RSS = 1536 * 1024 * 1024
const POLL_MS = 250
const PROGRESS_MS = 5_000

/** Fuzzes on all cores until the campaign is over; a worker that hangs or dies is a finding, and is replaced. */
export async function runCampaign(campaign: Campaign): Promise<Counts> {
  const { subjects } = campaign
  const started = Date.now()
  const known = new Set<string>()
  const threads = Array.from(
    { length: availableParallelism() },
    (_, number) => new Thread(campaign, number, known),
  )
  let [rss, told] = [0, started]
  const counts = (): Counts => ({
    seconds: (Date.now() - started) / 1000,
    executions: threads.reduce((sum, thread) => sum + thread.executions, 0),
    targets: Object.fromEntries(
      subjects.map(({ target }, turn) => [
        target.name,
        {
          executions: threads.reduce((sum, thread) => sum + thread.count(turn, 0), 0),
          taken: threads.reduce((sum, thread) => sum + thread.count(turn, 1), 0),
        },
      ]),
    ),
    rss,
  })
  try {
    for (
      let now = counts();
      now.executions < campaign.executions && now.seconds < campaign.seconds;
      now = counts()
    ) {
      await wait(POLL_MS)
      rss = Math.max(rss, process.memoryUsage.rss())
      for (const thread of threads) await thread.look(rss > MAX_RSS)
      if (rss > MAX_RSS) break
      if (Date.now() - told < PROGRESS_MS) continue
      told = Date.now()
      campaign.progress(counts())
    }
    return counts()
  } finally {
    await Promise.all(threads.map((thread) => thread.stop()))
  }
}

/** One core's worker, and whoever replaces it. */
class Thread {
  readonly #campaign: Campaign
  readonly #step = availableParallelism()
  readonly #numbers: Float64Array
  readonly #known: Set<string>
  #worker: Worker
  #died: Error | undefined
  #beat = -1
  #beatAt = Date.now()

  constructor(campaign: Campaign, number: number, known: Set<string>) {
    this.#known = known
    this.#campaign = campaign
    const size = runningAt(campaign.subjects.length) + PROGRESS.size
    this.#numbers = new Float64Array(new SharedArrayBuffer(size * Float64Array.BYTES_PER_ELEMENT))
    this.#worker = this.#start(number)
  }

  get executions(): number {
    return this.#campaign.subjects.reduce((sum, _, turn) => sum + this.count(turn, 0), 0)
  }

  /** @param which 0: executions; 1: those that were taken */
  count(turn: number, which: number): number {
    return this.#numbers[turn * PROGRESS.perTarget + which] ?? 0
  }

  /** Replaces a worker that hangs or died, and reports the execution that it was at. */
  async look(tooLarge: boolean): Promise<void> {
    const beat = this.#running(PROGRESS.beat)
    if (beat !== this.#beat) [this.#beat, this.#beatAt] = [beat, Date.now()]
    const hangs = this.#died === undefined && Date.now() - this.#beatAt > HANG_MS
    if (this.#died === undefined && !hangs && !tooLarge) return
    const [index, turn] = [this.#running(PROGRESS.index), this.#running(PROGRESS.target)]
    const isMemory =
      tooLarge || (this.#died as { code?: unknown } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY'
    const kind = isMemory ? 'memory' : hangs ? 'hang' : `died: ${this.#died?.name}`
    const message = this.#died?.stack ?? (isMemory ? `more than ${MAX_RSS} bytes` : `more than ${HANG_MS} ms`)
    await this.stop()
    const subject = this.#campaign.subjects[turn]
    if (subject === undefined) throw new Error(`no target ${turn}: ${message}`)
    const execution = { seed: this.#campaign.seed, target: subject.target.name, index }
    const input = inputOf(execution, subject)
    this.#report({
      ...execution,
      kind: `${kind} in ${subject.target.name}`,
      message,
      input,
      minimised: input,
    })
    this.#worker = this.#start(index + this.#step)
  }

  async stop(): Promise<void> {
    this.#worker.removeAllListeners()
    // one that runs out of memory at this moment has nobody to tell
    this.#worker.on('error', () => undefined)
    await this.#worker.terminate()
  }

  /** Once for each kind: the other thread, or this one before, may have found it, too. */
  #report(finding: Finding): void {
    if (!this.#known.has(finding.kind)) this.#campaign.found(finding)
    this.#known.add(finding.kind)
  }

  #running(which: number): number {
    return this.#numbers[runningAt(this.#campaign.subjects.length) + which] ?? 0
  }

  #start(first: number): Worker {
    const { seed, subjects } = this.#campaign
    const data: Work = {
      seed,
      targets: subjects.map(({ target }) => target.name),
      first,
      step: this.#step,
      known: [...this.#known],
      progress: this.#numbers.buffer as SharedArrayBuffer,
    }
    this.#died = undefined
    this.#beatAt = Date.now()
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MIB },
    })
    worker.on('message', (finding: WorkerFinding) => this.#report({ seed, ...finding }))
    worker.on(
      'error',
      (error) => void (this.#died = error instanceof Error ? error : new Error(String(error))),
    )
    return worker
  }
}
