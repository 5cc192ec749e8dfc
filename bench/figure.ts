import type { ProcessTimes } from './process-times.ts'
import type { Series } from './statistics.ts'

/** One command that is measured as a whole process: start-up, work and end, with every process that it starts and waits for. */
export interface Side {
  /** what it is, in a few words */
  label: string
  command: [program: string, ...args: string[]]
  /** which seconds of CPU count, from what the command printed; all of the process when absent */
  countedCpu?(printed: string): number
  /** which seconds of wall time count, from what the command printed; all of the process when absent */
  countedWall?(printed: string): number
  /** puts things as they must be before every run; not measured */
  reset?(): void
}

/** Two commands that do the same work. */
export interface Pair {
  ours: Side
  theirs: Side
  /** how much work it is */
  sizes: Record<string, number>
  /** of the programs that are compared */
  versions: Record<string, string>
  /** Throws when the two did not do the same; gets what each printed in its last run. */
  check(printed: { ours: string; theirs: string }): void
  /** other numbers that explain the ratio, by name; gets every counted pair of runs */
  details?(runs: { ours: ProcessTimes; theirs: ProcessTimes }[]): Record<string, number>
  remove(): void
}

/** One figure of `npm run bench`; each has a file of its own, and is listed in `figures.ts`. */
export interface Figure {
  name: string
  /** what is compared with what, in one line */
  compares: string
  /** what `ratio` is made of: seconds of CPU (user and system, all cores together), or of wall time */
  measure: 'cpu' | 'wall'
  /** the least ratio that is promised */
  target: number
  /** how many pairs, when more would say nothing new: what is counted does not vary; as many as asked for, and a warm-up before them, when absent */
  pairs?: number
  /** makes what both need, under a temporary folder */
  prepare(progress: (text: string) => void): Pair
}

export interface Measured {
  label: string
  /** seconds of user and system time */
  cpu: Series
  /** seconds */
  wall: Series
}

/** What is reported of a figure. `ratio` above 1: Hearth is that many times better than what it is compared with. */
export interface Result {
  ratio: number
  target: number
  met: boolean
  measure: 'cpu' | 'wall'
  /** the ratios of the single pairs, for both measures */
  ratios: { cpu: Series; wall: Series }
  repeats: number
  compares: string
  ours: Measured
  theirs: Measured
  sizes: Record<string, number>
  versions: Record<string, string>
  /** other numbers that explain the ratio */
  details: Record<string, number>
}
