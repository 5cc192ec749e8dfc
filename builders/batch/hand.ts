import type { BuildAnswer } from '../../functions/shared/contract.ts'
import { derivationNameOf } from '../../nix/derivation.ts'
import type { StorePath } from '../../nix/store-path.ts'
import { asDiskFull } from '../machine/disk-full.ts'
import { BatchIncomplete, NobodyWaits } from '../machine/errors.ts'
import { cleanEnvironment } from '../machine/nix-command.ts'
import { stoppedBy } from '../machine/processes.ts'
import { makeWorkFolder, type WorkFolder } from '../machine/work-folder.ts'
import type { Machine } from '../serve/machine.ts'
import type { PlannedDerivation } from './batch.ts'
import type { BatchInHand } from './batch-in-hand.ts'
import { BuildOrder, type Obstacle } from './build-order.ts'
import { BuildSlots } from './build-slots.ts'
import { HandSignals } from './hand-signals.ts'
import { openBatch, type OpenedBatch } from './open-batch.ts'
import { Progress } from './progress.ts'

/** What was staged since the last answer. */
export interface News {
  staged: number
  /** whether something outside waits for any of it */
  isAwaited: boolean
}

/**
 * Everything that a machine was given and has not staged yet. All batches share the machine's slots: whatever has the longest path is built first. What goes wrong
 * with one of them ends all: then what is built is staged, what is being built is broken off, and the rest is another hand's.
 */
export class Hand {
  readonly #machine: Machine
  readonly #stop: AbortSignal
  readonly #signals = new HandSignals()
  readonly #folder: WorkFolder
  readonly #slots: BuildSlots
  readonly #progress: Progress
  readonly #order = new BuildOrder((drvPath, obstacle) => this.#notTried(drvPath, obstacle))
  readonly #batches = new Set<BatchInHand>()
  readonly #batchOf = new Map<StorePath, BatchInHand>()
  /** when each build began, on Node's own clock */
  readonly #building = new Map<StorePath, number>()
  readonly #builds = new Set<Promise<void>>()
  readonly #problems: string[] = []
  /** whether anything was broken off */
  #isPartial = false
  /** one batch after the other: none is to delete what another one has just looked at */
  #preparing: Promise<void> = Promise.resolve()
  #coming = 0
  #failure: Error | undefined
  #news: News = { staged: 0, isAwaited: false }
  readonly #ended = Promise.withResolvers<Error | undefined>()

  /** @param stop aborted with BuilderStopped: what is built by then is staged */
  constructor(machine: Machine, stop: AbortSignal) {
    this.#machine = machine
    this.#folder = makeWorkFolder()
    this.#slots = new BuildSlots(cleanEnvironment(this.#folder.home, process.env), machine.settings.sandbox)
    this.#progress = new Progress((line) => this.#say(line))
    this.#stop = stop
    stop.addEventListener('abort', () => this.#stopped(), { once: true })
  }

  /** Whether everything that was given is staged. */
  get isEmpty(): boolean {
    return this.#batches.size === 0 && this.#coming === 0
  }

  /** Whether it takes nothing more: see `ended`. */
  get isOver(): boolean {
    return this.#failure !== undefined
  }

  /** Whether it could build more than it has. */
  get hasIdleSlots(): boolean {
    return (
      this.#coming === 0 && this.#building.size < this.#machine.buildsAtOnce && this.#order.readyCount === 0
    )
  }

  get news(): News {
    return this.#news
  }

  /** Resolves after it was broken off, when what was built is staged; with the reason, unless nothing was left to be done. */
  get ended(): Promise<Error | undefined> {
    return this.#ended.promise
  }

  /** Takes another batch. @param key of its BuildJob in the state bucket */
  give(key: string): void {
    if (this.isOver) return
    this.#coming++
    const take = async (): Promise<void> => this.#take(key)
    this.#preparing = this.#preparing.then(async () => stoppedBy(this.#signals.over, take))
    this.#stopped()
  }

  /** What is being built, and for how long. */
  building(): BuildAnswer['building'] {
    const now = performance.now()
    return [...this.#building].map(([drvPath, since]) => ({
      drvPath,
      seconds: Math.round((now - since) / 1000),
    }))
  }

  /** Sends what is finished without waiting for more. */
  async flush(): Promise<void> {
    await Promise.all([...this.#batches].map(async (batch) => batch.flush()))
    // Everybody who waited for a parcel has heard of it then: it is news of this turn, not of the next.
    await new Promise((resolve) => setImmediate(resolve))
  }

  /** From now on, what was staged before is no news. */
  forgetNews(): void {
    this.#news = { staged: 0, isAwaited: false }
  }

  /** Resolves when something has changed, or that many milliseconds have passed. */
  async changed(milliseconds: number): Promise<void> {
    await this.#signals.changed(milliseconds)
  }

  /** Breaks everything off, at once: no process and no upload goes on. */
  drop(reason: Error): void {
    this.#fail(reason)
    this.#signals.end(reason)
  }

  /** Nothing of it is left afterwards but what is in the store and in staging. */
  async close(): Promise<void> {
    this.#signals.end(new NobodyWaits('the hand is closed'))
    for (const batch of this.#batches) batch.close()
    await this.#slots.letGo()
    this.#folder.remove()
  }

  #stopped(): void {
    if (this.#stop.aborted && !this.isEmpty) this.#fail(this.#stop.reason)
  }

  #say(line: string): void {
    if (!this.#signals.over.aborted) this.#machine.say(line)
  }

  async #take(key: string): Promise<void> {
    try {
      const use = { inUse: this.#inUse(), letGo: async () => this.#slots.letGo() }
      const onStaged = (derivation: PlannedDerivation): void => this.#staged(derivation)
      const own = { signals: this.#signals, order: this.#order, progress: this.#progress }
      this.#enter(await openBatch(key, this.#machine, { ...own, use, onStaged }))
    } catch (error) {
      this.#isPartial = true
      this.#fail(error)
    } finally {
      this.#coming--
      this.#signals.change()
    }
  }

  #enter({ batch, prepared: { derivations, usable, missing } }: OpenedBatch): void {
    this.#batches.add(batch)
    this.#progress.add(derivations.length)
    for (const { drvPath } of derivations) this.#batchOf.set(drvPath, batch)
    const present = derivations.filter((derivation) => usable.has(derivation))
    // They need nothing any more.
    this.#order.add(present.map(({ drvPath, path }) => ({ drvPath, path, needs: [] })))
    for (const derivation of present) {
      this.#order.built(derivation.drvPath)
      batch.present(derivation)
    }
    this.#order.add(
      derivations.filter((derivation) => !usable.has(derivation)),
      missing,
    )
    this.#goOn()
  }

  #inUse(): Set<StorePath> {
    return new Set([...this.#batches].flatMap((batch) => [...batch.inUse()]))
  }

  #goOn(): void {
    while (!this.isOver && this.#building.size < this.#machine.buildsAtOnce) {
      const drvPath = this.#order.next()
      if (drvPath === undefined) break
      const batch = this.#batchOf.get(drvPath)
      const derivation = batch?.derivations.get(drvPath)
      if (batch === undefined || derivation === undefined) continue
      const build = this.#build(batch, derivation).finally(() => this.#builds.delete(build))
      this.#builds.add(build)
    }
    for (const batch of this.#batches) if (batch.isSettled) void this.#finish(batch)
    if (this.#building.size === 0) void this.#slots.letGo()
    this.#signals.change()
  }

  async #build(batch: BatchInHand, derivation: PlannedDerivation): Promise<void> {
    const { drvPath, name } = derivation
    this.#building.set(drvPath, performance.now())
    const onStart = (): void => {
      this.#building.set(drvPath, performance.now())
      batch.started(derivation)
    }
    const ending = await stoppedBy(this.#signals.breakOff, async () => this.#slots.build(derivation, onStart))
    this.#building.delete(drvPath)
    if (ending.status === 'built') {
      batch.built(derivation)
      this.#order.built(drvPath)
    } else if (this.#signals.breakOff.aborted) {
      // What breaks because it is broken off has not failed.
      this.#isPartial = true
    } else if (ending.status === 'failed') {
      batch.failed(derivation, ending.message)
      this.#order.failed(drvPath)
    } else {
      this.#problems.push(`${name}: not built, and Nix does not say why: ${ending.message}`)
      this.#fail(new BatchIncomplete(name))
    }
    this.#goOn()
  }

  #notTried(drvPath: StorePath, obstacle: Obstacle): void {
    const batch = this.#batchOf.get(drvPath)
    const derivation = batch?.derivations.get(drvPath)
    if (batch === undefined || derivation === undefined) return
    const why =
      obstacle.status === 'input-missing'
        ? `no cache has ${obstacle.missing.join(', ')}`
        : `it needs ${obstacle.because.map((path) => derivationNameOf(path)).join(', ')}`
    batch.notTried(derivation, obstacle, why)
  }

  #staged(derivation: PlannedDerivation): void {
    this.#news = { staged: this.#news.staged + 1, isAwaited: this.#news.isAwaited || derivation.isAwaited }
    this.#signals.change()
  }

  async #finish(batch: BatchInHand): Promise<void> {
    await batch.finish()
    if (!batch.isSettled) return
    if (batch.problems.length > 0) return this.#fail(new BatchIncomplete('not everything could be staged'))
    if (!this.#batches.delete(batch)) return
    for (const drvPath of batch.derivations.keys())
      if (this.#batchOf.get(drvPath) === batch) this.#batchOf.delete(drvPath)
    batch.close()
    this.#signals.change()
  }

  #fail(thrown: unknown): void {
    if (this.isOver) return
    this.#failure = thrown instanceof Error ? thrown : new Error(String(thrown))
    this.#signals.breakOffBuilds(this.#failure)
    void this.#drain(this.#failure)
    this.#signals.change()
  }

  /** Stages what is built, for as long as there is time, and then lets go of everything. */
  async #drain(failure: Error): Promise<void> {
    const isStopped = this.#stop.aborted
    const stageAll = async (): Promise<void> => {
      await this.#preparing
      await Promise.allSettled(this.#builds)
      await Promise.all([...this.#batches].map(async (batch) => this.#finish(batch)))
    }
    await Promise.race([stageAll(), ...(isStopped ? [endOfGrace()] : [])])
    const problems = [...[...this.#batches].flatMap((batch) => batch.problems), ...this.#problems]
    const isComplete = this.isEmpty && !this.#isPartial
    const error =
      failure instanceof BatchIncomplete && problems.length > 0
        ? new BatchIncomplete(`without a result:\n${problems.join('\n')}`)
        : failure
    await this.close()
    this.#batches.clear()
    const reason = asDiskFull(error)
    this.#ended.resolve(isStopped && isComplete ? undefined : reason instanceof Error ? reason : failure)
  }
}

// 25 s: whoever stops a machine for good gives it some 30 s from the signal on; AWS gives spot machines two minutes.
const GRACE_MILLISECONDS = 25_000

async function endOfGrace(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, GRACE_MILLISECONDS).unref())
}
