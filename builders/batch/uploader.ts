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
import { stageBytes, type Staging } from '../machine/staging.ts'

/** What the uploader works with. */
export interface UploaderParts {
  staging: Staging
  store: LocalStore
  environment: Record<string, string>
  /** for files on their way */
  folder: string
  zstdLevel: number
  progress: Progress
  /** NarHash of every path in the closure of what a derivation was built on */
  inputsOf: (derivation: PlannedDerivation) => Promise<Record<StorePath, string>>
}

// Compression is the bottleneck and runs on Node's four threads; a derivation more would only hold files on disk.
const DERIVATIONS_AT_ONCE = 4

/**
 * Stages derivations while others are still being built. Each one's result comes last: who finds it finds the NARs, the narinfos and the log. What cannot be
 * staged is remembered and does not stop the others.
 */
export class Uploader {
  /** what could not be staged, and why */
  readonly problems: string[] = []
  readonly #parts: UploaderParts
  readonly #slots = pLimit(DERIVATIONS_AT_ONCE)
  readonly #pending = new Map<StorePath, Promise<void>>()
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
    this.#parts = { ...parts, folder: join(parts.folder, 'upload') }
    this.#sources = sources
    mkdirSync(this.#parts.folder, { recursive: true })
  }

  /** Whether `built` or `notBuilt` has been called for it. */
  has(drvPath: StorePath): boolean {
    return this.#pending.has(drvPath)
  }

  /** Stages all outputs of a derivation, its log and its result. @param seconds wall time of its build */
  built(derivation: PlannedDerivation, seconds: number): void {
    this.#enqueue(derivation, async () => {
      const { progress, inputsOf } = this.#parts
      const outputs = await this.#withSources(derivation)
      const staged = await Promise.all(outputs.map(async (info) => this.#stageOnce(info)))
      await this.#stageLog(derivation.drvPath)
      await this.#stageResult({
        version: 1,
        drvPath: derivation.drvPath,
        status: 'built',
        seconds,
        inputs: await inputsOf(derivation),
      })
      const sum = (of: (path: StagedPath) => number): string =>
        formatBytes(staged.reduce((total, path) => total + of(path), 0))
      progress.say(
        `uploaded ${derivation.name} (${sum(({ narSize }) => narSize)} → ${sum(({ fileSize }) => fileSize)})`,
      )
    })
  }

  /** Stages the log and the result of a derivation whose build failed. */
  failed(derivation: PlannedDerivation, message: string): void {
    const { drvPath } = derivation
    this.#enqueue(derivation, async () => {
      const logTail = await this.#stageLog(drvPath)
      await this.#stageResult({ version: 1, drvPath, status: 'failed', message, logTail })
    })
  }

  /** Stages the result of a derivation that nobody tried to build. */
  notTried(
    derivation: PlannedDerivation,
    why:
      | { status: 'dependency-failed'; because: StorePath[] }
      | { status: 'input-missing'; missing: StorePath[] },
  ): void {
    const result: DerivationResult = { version: 1, drvPath: derivation.drvPath, ...why }
    this.#enqueue(derivation, async () => this.#stageResult(result))
  }

  /** Resolves when everything that was handed over is staged, or has become a problem. */
  async finish(): Promise<void> {
    await Promise.all(this.#pending.values())
  }

  /** How many results of each kind are staged, for people. */
  summary(): string {
    const counts = Object.entries(this.#counts).filter(([, count]) => count > 0)
    const parts = counts.map(([status, count]) => `${count} ${status}`)
    return [...parts, ...(this.problems.length > 0 ? [`${this.problems.length} not staged`] : [])].join(', ')
  }

  #enqueue(derivation: PlannedDerivation, work: () => Promise<void>): void {
    if (this.#pending.has(derivation.drvPath)) return
    const staging = this.#slots(work).catch((error: unknown) => {
      const { name, message } = describeError(error)
      this.problems.push(`${derivation.name}: ${name}: ${message}`)
      this.#parts.progress.say(`could not upload ${derivation.name}: ${name}: ${message}`)
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

  async #stageLog(drvPath: StorePath): Promise<string[]> {
    return stageLog(this.#parts.staging, drvPath, this.#parts)
  }

  async #stageResult(result: DerivationResult): Promise<void> {
    const { staging } = this.#parts
    const key = stagedKeys.result(staging.prefix, baseNameOf(result.drvPath))
    await stageBytes(staging, key, Buffer.from(JSON.stringify(result)), { type: 'application/json' })
    this.#counts[result.status]++
  }
}
