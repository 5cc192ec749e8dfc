import type { Figure, Measured, Result, Side } from './figure.ts'
import { type ProcessTimes, timeProcess } from './process-times.ts'
import { seriesOf } from './statistics.ts'

/**
 * Measures a figure: both sides in turn, ours first, so that whatever else the machine does falls on both alike; the ratio is the median of the
 * pairs' ratios. A first pair, which warms the caches of the disk, is not counted.
 * @param asked how many pairs are counted, 5 or more; a figure may say itself that fewer will do
 * @throws CommandFailed, and what the figure's own check throws when the two sides did not do the same work
 */
export function measure(figure: Figure, asked: number, progress: (text: string) => void): Result {
  const repeats = figure.pairs ?? asked
  const pair = figure.prepare((text) => progress(`${figure.name}: ${text}`))
  try {
    const pairs: { ours: ProcessTimes; theirs: ProcessTimes }[] = []
    for (let index = figure.pairs === undefined ? 0 : 1; index <= repeats; index++) {
      const [ours, theirs] = [run(pair.ours), run(pair.theirs)]
      pair.check({ ours: ours.printed, theirs: theirs.printed })
      progress(
        `${figure.name}: ${index === 0 ? 'warm-up' : `pair ${index} of ${repeats}`}: ${show(ours)} against ${show(theirs)}`,
      )
      if (index > 0) pairs.push({ ours, theirs })
    }
    const ratios = {
      cpu: seriesOf(pairs.map(({ ours, theirs }) => theirs.cpu / ours.cpu)),
      wall: seriesOf(pairs.map(({ ours, theirs }) => theirs.wall / ours.wall)),
    }
    const ratio = ratios[figure.measure].median
    return {
      ratio,
      target: figure.target,
      met: ratio >= figure.target,
      measure: figure.measure,
      ratios,
      repeats,
      compares: figure.compares,
      ours: summarize(
        pair.ours,
        pairs.map(({ ours }) => ours),
      ),
      theirs: summarize(
        pair.theirs,
        pairs.map(({ theirs }) => theirs),
      ),
      sizes: pair.sizes,
      versions: { node: process.version, ...pair.versions },
      details: pair.details?.(pairs) ?? {},
    }
  } finally {
    pair.remove()
  }
}

function run(side: Side): ProcessTimes {
  side.reset?.()
  const times = timeProcess(side.command)
  return {
    ...times,
    cpu: side.countedCpu?.(times.printed) ?? times.cpu,
    wall: side.countedWall?.(times.printed) ?? times.wall,
  }
}

function summarize(side: Side, runs: ProcessTimes[]): Measured {
  return {
    label: side.label,
    cpu: seriesOf(runs.map(({ cpu }) => cpu)),
    wall: seriesOf(runs.map(({ wall }) => wall)),
  }
}

function show({ cpu, wall }: ProcessTimes): string {
  return `${cpu.toFixed(2)} s CPU, ${wall.toFixed(2)} s`
}
