import { decide } from '../../functions/plan/decide.ts'
import { longestPaths } from '../../functions/plan/longest-paths.ts'
import type { Graph, Schedule } from '../../functions/shared/contract.ts'
import { packGraph, unpackGraph } from '../../functions/shared/graph-file.ts'
import { chooseBatch, defaultLaneSettings } from '../../functions/take/choose-batch.ts'
import { fromBaseName, type StorePath } from '../../nix/store-path.ts'
import { generateSchedule } from '../../scripts/simulate/shapes.ts'

/**
 * Plans a generated graph of which no cache has anything, and takes the first batch of it, as Plan and Take do: from the graph's file to the schedule. Prints the
 * seconds that this took, and the most mebibytes that this process had at any time, the generator's own included.
 */
const [, , count = '20000'] = process.argv
const generated = generateSchedule('nixpkgs', Number(count), 1)
const seconds = new Map(generated.derivations.map((derivation) => [derivation.drvPath, derivation.seconds]))
const shell = fromBaseName(`${'0'.repeat(32)}-shell.drv`)
const file = await packGraph(graphOf(generated))

const begun = performance.now()
const { schedule } = await decide(
  await unpackGraph(file),
  [{ attribute: 'devShells.x86_64-linux.default', system: 'x86_64-linux', drvPath: shell }],
  {
    failures: new Map(),
    capabilities: new Map([['x86_64-linux', new Set<string>()]]),
    secondsOf: (drvPath) => seconds.get(drvPath) ?? 0,
  },
  async () => new Set(),
)
const paths = longestPaths(schedule)
const planned: Schedule = {
  ...generated,
  derivations: schedule.map((derivation, at) => ({ ...derivation, path: paths[at] ?? 0 })),
}
const nothing = new Set<number>()
chooseBatch(
  planned,
  { published: nothing, taken: nothing, out: nothing, busyLanes: 0 },
  { system: 'x86_64-linux', slot: 1 },
  { ...defaultLaneSettings, lanes: 20 },
)
const took = (performance.now() - begun) / 1000
if (schedule.length !== generated.derivations.length)
  throw new Error(`${schedule.length} of ${generated.derivations.length} derivations were scheduled`)
process.stdout.write(`${took} ${process.resourceUsage().maxRSS / 1024}\n`)

/** A graph in which a shell needs everything that a schedule has. */
function graphOf({ derivations }: Schedule): Graph {
  const usual = { inputSrcs: [], requiredSystemFeatures: [], allowSubstitutes: true }
  const named = (all: StorePath[]): Record<StorePath, string[]> =>
    Object.fromEntries(all.map((drvPath) => [drvPath, ['out']]))
  const nodes = derivations.map(({ drvPath, system, outputs, needs }) => [
    drvPath,
    {
      ...usual,
      name: drvPath,
      system,
      outputs,
      inputDrvs: named(needs.flatMap((need) => derivations[need]?.drvPath ?? [])),
    },
  ])
  return {
    version: 1,
    derivations: {
      ...(Object.fromEntries(nodes) as Graph['derivations']),
      [shell]: {
        ...usual,
        name: 'shell',
        system: 'x86_64-linux',
        outputs: {},
        inputDrvs: named(derivations.map(({ drvPath }) => drvPath)),
      },
    },
    sources: {},
  }
}
