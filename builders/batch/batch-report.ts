import { stagedKeys } from '../../functions/shared/keys.ts'
import type { StorePath } from '../../nix/store-path.ts'
import { stageBytes, type Staging } from '../machine/staging.ts'

// 15 s: an object each, of which nobody deletes any before the batch is published.
const PAUSE_MILLISECONDS = 15_000

/** What is being done with a batch at this moment. `hearth run watch` reads the newest. */
interface Report {
  version: 1
  building: StorePath[]
  /** since when, ISO 8601, for each that is being built */
  since: Record<StorePath, string>
  uploading: StorePath[]
  staged: StorePath[]
}

/** Tells, now and then, what is being done with a batch: in a new object each time, because a builder overwrites nothing, and in none when nothing has changed. */
export class BatchReport {
  readonly #staging: Staging
  readonly #say: (line: string) => void
  readonly #building = new Map<StorePath, string>()
  readonly #uploading = new Set<StorePath>()
  readonly #staged = new Set<StorePath>()
  readonly #timer: NodeJS.Timeout
  #isChanged = false
  #number = 0

  constructor(staging: Staging, say: (line: string) => void) {
    this.#staging = staging
    this.#say = say
    this.#timer = setInterval(() => void this.#write(), PAUSE_MILLISECONDS).unref()
  }

  building(drvPath: StorePath): void {
    this.#building.set(drvPath, new Date().toISOString())
    this.#isChanged = true
  }

  uploading(drvPath: StorePath): void {
    this.#building.delete(drvPath)
    this.#uploading.add(drvPath)
    this.#isChanged = true
  }

  staged(drvPath: StorePath): void {
    this.#uploading.delete(drvPath)
    this.#staged.add(drvPath)
    this.#isChanged = true
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #write(): Promise<void> {
    if (!this.#isChanged) return
    this.#isChanged = false
    const report: Report = {
      version: 1,
      building: [...this.#building.keys()],
      since: Object.fromEntries(this.#building),
      uploading: [...this.#uploading],
      staged: [...this.#staged],
    }
    const key = `${stagedKeys.progress(this.#staging.prefix)}${this.#number++}.json`
    const bytes = Buffer.from(JSON.stringify(report))
    try {
      await stageBytes(this.#staging, key, bytes, { type: 'application/json' })
    } catch (error) {
      // People see less; nothing else hangs on it.
      this.#say(`no progress report: ${error instanceof Error ? error.name : String(error)}`)
    }
  }
}
