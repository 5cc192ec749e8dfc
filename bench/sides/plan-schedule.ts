import { longestPaths } from '../../functions/plan/longest-paths.ts'
import { chooseBatch, defaultLaneSettings } from '../../functions/take/choose-batch.ts'
import { generateSchedule } from '../../scripts/simulate/shapes.ts'

/**
 * Schedules a generated graph and takes the first batch of it, as Plan and Take do; prints the seconds that this took, and the most mebibytes that
 * this process had at any time, the graph included.
 */
const [, , count = '20000'] = process.argv
const schedule = generateSchedule('nixpkgs', Number(count), 1)
const begun = performance.now()
const paths = longestPaths(schedule.derivations)
const planned = {
  ...schedule,
  derivations: schedule.derivations.map((derivation, at) => ({ ...derivation, path: paths[at] ?? 0 })),
}
const nothing = new Set<number>()
chooseBatch(
  planned,
  { published: nothing, taken: nothing, out: nothing, busyLanes: 0 },
  { system: 'x86_64-linux', slot: 1 },
  { ...defaultLaneSettings, lanes: 20 },
)
const seconds = (performance.now() - begun) / 1000
process.stdout.write(`${seconds} ${process.resourceUsage().maxRSS / 1024}\n`)
