import type { StorePath } from '../../nix/store-path.ts'
import { NixFailed } from '../machine/errors.ts'
import type { LocalStore } from '../machine/local-store.ts'
import type { Staging } from '../machine/staging.ts'
import type { WorkFolder } from '../machine/work-folder.ts'
import type { PlannedDerivation } from './batch.ts'
import { BatchReport } from './batch-report.ts'
import type { Obstacle } from './build-order.ts'
import type { Content, EarlierBuilds } from './earlier-builds.ts'
import type { PreparedBatch } from './prepare-batch.ts'
import type { Progress } from './progress.ts'
import { Uploader } from './uploader.ts'

/** What a batch is staged with. */
export interface BatchParts {
  store: LocalStore
  staging: Staging
  folder: WorkFolder
  environment: Record<string, string>
  zstdLevel: number
  built: EarlierBuilds
  progress: Progress
  onStaged: (derivation: PlannedDerivation) => void
}

/** One of the batches that a machine has in hand: what is built of it is staged below a prefix of its own. */
export class BatchInHand {
  readonly derivations: Map<StorePath, PlannedDerivation>
  readonly #parts: BatchParts
  readonly #uploader: Uploader
  readonly #report: BatchReport
  /** neither built nor known not to be */
  readonly #open: Set<StorePath>
  readonly #unstaged: Set<StorePath>
  #finished: Promise<void> | undefined

  constructor(prepared: PreparedBatch, parts: BatchParts) {
    const { built, staging, progress, folder } = parts
    this.#parts = parts
    this.derivations = new Map(prepared.derivations.map((derivation) => [derivation.drvPath, derivation]))
    this.#open = new Set(this.derivations.keys())
    this.#unstaged = new Set(this.derivations.keys())
    this.#report = new BatchReport(staging, progress.say)
    const onStaged = (derivation: PlannedDerivation): void => {
      this.#unstaged.delete(derivation.drvPath)
      this.#report.staged(derivation.drvPath)
      parts.onStaged(derivation)
    }
    const inputsOf = async ({ drvPath }: PlannedDerivation): Promise<Content> => {
      const inputs = await built.inputsOf(drvPath)
      if (inputs === undefined) throw new NixFailed(`nobody knows on what ${drvPath} was built`)
      return inputs
    }
    this.#uploader = new Uploader({ ...parts, folder: folder.path, onStaged, inputsOf }, prepared.sources)
  }

  /** Whether everything of it is built, or known not to be: what is left is to be uploaded. */
  get isSettled(): boolean {
    return this.#open.size === 0
  }

  /** What could not be staged, and why. */
  get problems(): string[] {
    return this.#uploader.problems
  }

  /** What must stay in the store as it is, until it is staged: what it is built on, and what is built. */
  *inUse(): Generator<StorePath> {
    for (const { drvPath, outputs, inputOutputs, inputs, sources } of this.derivations.values()) {
      yield* outputs
      if (!this.#unstaged.has(drvPath)) continue
      yield* inputOutputs
      yield* inputs
      yield* sources
    }
  }

  started(derivation: PlannedDerivation): void {
    this.#parts.progress.started(derivation)
    this.#report.building(derivation.drvPath)
  }

  /** It was built just now. */
  built(derivation: PlannedDerivation): void {
    const { built, store, progress } = this.#parts
    built.add(derivation, store)
    const seconds = progress.built(derivation)
    this.#settle(derivation)
    this.#uploader.built(derivation, seconds)
  }

  /** This machine had built it before. */
  present(derivation: PlannedDerivation): void {
    this.#parts.progress.present(derivation)
    this.#settle(derivation)
    this.#uploader.built(derivation, 0)
  }

  failed(derivation: PlannedDerivation, message: string): void {
    this.#parts.progress.failed(derivation, message)
    this.#settle(derivation)
    this.#uploader.failed(derivation, message)
  }

  /** @param why for people */
  notTried(derivation: PlannedDerivation, obstacle: Obstacle, why: string): void {
    this.#parts.progress.notTried(derivation, why)
    this.#settle(derivation)
    this.#uploader.notTried(derivation, obstacle)
  }

  /** Sends what is finished without waiting for more. */
  async flush(): Promise<void> {
    await this.#uploader.flush()
  }

  /** Resolves when everything that is built of it is staged, or has become a problem. */
  async finish(): Promise<void> {
    this.#finished ??= this.#stageRest()
    await this.#finished
  }

  async #stageRest(): Promise<void> {
    await this.#uploader.finish()
    this.#parts.progress.say(`${this.derivations.size} derivations: ${this.#uploader.summary()}`)
  }

  close(): void {
    this.#report.close()
    this.#parts.folder.remove()
  }

  #settle({ drvPath }: PlannedDerivation): void {
    this.#open.delete(drvPath)
    this.#report.uploading(drvPath)
  }
}
