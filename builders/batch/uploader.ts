import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import pLimit from 'p-limit'
import type { DerivationResult } from '../../functions/shared/contract.ts'
import { describeError } from '../../functions/shared/errors.ts'
import { formatBytes } from '../../functions/shared/format-bytes.ts'
import { stagedKeys } from '../../functions/shared/keys.ts'
import { baseNameOf, type StorePath } from '../../nix/store-path.ts'
import type { PlannedDerivation } from './batch.ts'
import { stageLog } from './build-log.ts'
import type { LocalStore } from '../machine/local-store.ts'
import type { Progress } from './progress.ts'
import type { PathInfo } from '../machine/registration.ts'
import { type StagedPath, stagePath } from './stage-path.ts'
import type { Staging } from '../machine/staging.ts'
import { Parcels } from '../machine/parcels.ts'

/** What the uploader works with. */
export interface UploaderParts {
  staging: Staging
  store: LocalStore
  environment: Record<string, string>
  /** for files on their way */
  folder: string
  zstdLevel: number
  progress: Progress
  /** is told of each derivation whose result is staged, or could not be */
  onStaged: (derivation: PlannedDerivation) => void
  /** NarHash of every path in the closure of what a derivation was built on */
  inputsOf: (derivation: PlannedDerivation) => Promise<Record<StorePath, string>>
}

// Compression is the bottleneck and runs on Node's four threads; a derivation more would only hold files on disk.
const DERIVATIONS_AT_ONCE = 4

// 64 MiB of parcels in memory.
const MOST_UNSENT = 64 * 1024 ** 2

/** A derivation of which all but the result is staged, or in a parcel. */
interface Prepared {
  result: DerivationResult
  /** how much it was, for people */
  uploaded?: string
}

/**
 * Stages derivations while others are still being built. Each one's result comes last: who finds it finds the NARs, the narinfos and the log. What cannot be
 * staged is remembered and does not stop the others.
 */
export class Uploader {
  /** what could not be staged, and why */
  readonly problems: string[] = []
  readonly #parts: UploaderParts & { parcels: Parcels }
  readonly #slots = pLimit(DERIVATIONS_AT_ONCE)
  readonly #pending = new Map<StorePath, Promise<void>>()
  /** what has been added to a parcel, or is not going to be */
  readonly #prepared: Promise<unknown>[] = []
  readonly #staged = new Map<StorePath, Promise<StagedPath>>()
  readonly #sources: ReadonlySet<StorePath>
  readonly #counts: Record<DerivationResult['status'], number> = {
    built: 0,
    failed: 0,
    'dependency-failed': 0,
    'input-missing': 0,
  }

  /** @param sources the closure of the batch's sources: those that an output refers to are staged with it */
  constructor(parts: UploaderParts, sources: ReadonlySet<StorePath>) {
    this.#parts = { ...parts, folder: join(parts.folder, 'upload'), parcels: new Parcels(parts.staging) }
    this.#sources = sources
    mkdirSync(this.#parts.folder, { recursive: true })
  }

  /** Whether `built` or `notBuilt` has been called for it. */
  has(drvPath: StorePath): boolean {
    return this.#pending.has(drvPath)
  }

  /** Stages all outputs of a derivation, its log and its result. @param seconds wall time of its build */
  built(derivation: PlannedDerivation, seconds: number): void {
    const { drvPath } = derivation
    // Before its turn comes: the store is asked about many at once.
    const outputs = this.#withSources(derivation)
    // its turn will come, and hears of it
    outputs.catch(() => undefined)
    this.#enqueue(derivation, async () => {
      const { inputsOf } = this.#parts
      const staged = await Promise.all((await outputs).map(async (info) => this.#stageOnce(info)))
      const logTail = await this.#stageLog(drvPath)
      const inputs = await inputsOf(derivation)
      const sum = (of: (path: StagedPath) => number): string =>
        formatBytes(staged.reduce((total, path) => total + of(path), 0))
      return {
        result: { version: 1, drvPath, status: 'built', seconds, inputs, log: logTail !== undefined },
        uploaded: `${sum(({ narSize }) => narSize)} → ${sum(({ fileSize }) => fileSize)}`,
      }
    })
  }

  /** Stages the log and the result of a derivation whose build failed. */
  failed(derivation: PlannedDerivation, message: string): void {
    const { drvPath } = derivation
    this.#enqueue(derivation, async () => {
      const logTail = (await this.#stageLog(drvPath)) ?? []
      return { result: { version: 1, drvPath, status: 'failed', message, logTail } }
    })
  }

  /** Stages the result of a derivation that nobody tried to build. */
  notTried(
    derivation: PlannedDerivation,
    why:
      | { status: 'dependency-failed'; because: StorePath[] }
      | { status: 'input-missing'; missing: StorePath[] },
  ): void {
    this.#enqueue(derivation, async () => ({ result: { version: 1, drvPath: derivation.drvPath, ...why } }))
  }

  /** Sends what is finished without waiting for more. */
  async flush(): Promise<void> {
    this.#parts.parcels.close()
    // Whoever waits for one of them learns what went wrong with it.
    await this.#parts.parcels.staged().catch(() => undefined)
  }

  /** Resolves when everything that was handed over is staged, or has become a problem. */
  async finish(): Promise<void> {
    await Promise.allSettled(this.#prepared)
    this.#parts.parcels.close()
    await Promise.all(this.#pending.values())
  }

  /** How many results of each kind are staged, for people. */
  summary(): string {
    const counts = Object.entries(this.#counts).filter(([, count]) => count > 0)
    const parts = counts.map(([status, count]) => `${count} ${status}`)
    return [...parts, ...(this.problems.length > 0 ? [`${this.problems.length} not staged`] : [])].join(', ')
  }

  #enqueue(derivation: PlannedDerivation, prepare: () => Promise<Prepared>): void {
    if (this.#pending.has(derivation.drvPath)) return
    const { progress, parcels } = this.#parts
    const prepared = this.#slots(async () => {
      const { result, uploaded } = await prepare()
      const { prefix } = this.#parts.staging
      parcels.add(stagedKeys.result(prefix, baseNameOf(result.drvPath)), Buffer.from(JSON.stringify(result)))
      // Where the network is slower than the builds, this is where they wait for it.
      if (parcels.unsent > MOST_UNSENT) await parcels.staged()
      return { result, uploaded, staged: parcels.staged() }
    })
    this.#prepared.push(prepared)
    const stage = async (): Promise<void> => {
      const { result, uploaded, staged } = await prepared
      // Not in the slot: a parcel waits for more.
      await staged
      this.#counts[result.status]++
      if (uploaded !== undefined) progress.say(`uploaded ${derivation.name} (${uploaded})`)
      this.#parts.onStaged(derivation)
    }
    const staging = stage().catch((error: unknown) => {
      const { name, message } = describeError(error)
      this.problems.push(`${derivation.name}: ${name}: ${message}`)
      progress.say(`could not upload ${derivation.name}: ${name}: ${message}`)
      this.#parts.onStaged(derivation)
    })
    this.#pending.set(derivation.drvPath, staging)
  }

  /** The outputs, and the sources that they refer to: a client needs those, too, and no cache has them. */
  async #withSources(derivation: PlannedDerivation): Promise<PathInfo[]> {
    const { store } = this.#parts
    const outputs = await store.infos(derivation.outputs)
    const referenced = outputs
      .flatMap(({ references }) => references)
      .filter((path) => this.#sources.has(path))
    const sources = await store.closure([...new Set(referenced)])
    return [...outputs, ...sources.filter(({ path }) => this.#sources.has(path))]
  }

  async #stageOnce(info: PathInfo): Promise<StagedPath> {
    const before = this.#staged.get(info.path)
    if (before !== undefined) return before
    const staging = stagePath(this.#parts.staging, info, this.#parts)
    this.#staged.set(info.path, staging)
    return staging
  }

  async #stageLog(drvPath: StorePath): Promise<string[] | undefined> {
    return stageLog(this.#parts.staging, drvPath, this.#parts)
  }
}
