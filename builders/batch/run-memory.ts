import type { RunId } from '../../functions/shared/contract.ts'
import { EarlierBuilds } from './earlier-builds.ts'
import { KnownPaths } from './known-paths.ts'

/** What a machine remembers from one batch of a run to the next. */
export interface RunMemory {
  known: KnownPaths
  built: EarlierBuilds
}

// More runs than a Mac serves at a time; without a bound, one that works for months would remember every path that it ever saw.
const RUNS = 8

/** What a machine remembers of the runs that it served last. */
export class RunMemories {
  readonly #byRun = new Map<RunId, RunMemory>()

  of(run: RunId): RunMemory {
    const memory = this.#byRun.get(run) ?? { known: new KnownPaths(), built: new EarlierBuilds() }
    this.#byRun.delete(run)
    this.#byRun.set(run, memory)
    for (const oldest of this.#byRun.keys()) {
      if (this.#byRun.size <= RUNS) break
      this.#byRun.delete(oldest)
    }
    return memory
  }
}
