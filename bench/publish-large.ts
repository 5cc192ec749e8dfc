import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Command, zstdVersion } from './zstd-command.ts'
import type { Figure, Pair } from './figure.ts'
import { onOneCore } from './one-core.ts'
import { timeProcess } from './process-times.ts'
import { checkVerified, peakMebibytes, sizesOf, verifyCommand } from './publish-verify.ts'
import { writeStagedNar } from './staged-nar.ts'
import { seriesOf } from './statistics.ts'

const LEAST_BYTES = 2e9
const MOST_MIB = 300
// Pairs without a core given to them, for the numbers that explain the ratio.
const FREE_PAIRS = 3

/** A NAR of 2 GB, verified on one core, against unpacking it alone on one core; and what two cores give. */
export const publishLarge: Figure = {
  name: 'publish.large',
  compares: 'a staged NAR of 2 GB verified as Publish does, against `zstd -dc` alone, both on one core',
  // On one core the two are the same, and CPU time does not count what the machine did for others meanwhile.
  measure: 'cpu',
  target: 0.35,
  prepare,
}

function prepare(progress: (text: string) => void): Pair {
  const zstd = zstdVersion()
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-large-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    progress('writing a NAR of 2 GB')
    const nar = writeStagedNar(folder, 'large', { least: LEAST_BYTES })
    const ours = verifyCommand(folder, nar)
    const theirs: Command = ['bash', '-c', 'zstd -dc "$1" > /dev/null', 'bash', nar.file]
    const check = (printed: { ours: string; theirs: string }): void =>
      checkVerified('publish.large', nar, printed, MOST_MIB)
    return {
      ours: { label: 'Hearth, one core', command: onOneCore(ours) },
      theirs: { label: 'zstd -dc, one core', command: onOneCore(theirs) },
      sizes: sizesOf(nar),
      versions: { zstd },
      check,
      details(runs) {
        const free = Array.from({ length: FREE_PAIRS }, () => {
          const pair = { ours: timeProcess(ours), theirs: timeProcess(theirs) }
          check({ ours: pair.ours.printed, theirs: pair.theirs.printed })
          return pair
        })
        const megabytes = nar.info.narSize / 1e6
        return {
          peakMiB: seriesOf(runs.map((run) => peakMebibytes(run.ours.printed))).max,
          mbPerSecond: seriesOf(runs.map((run) => megabytes / run.ours.wall)).median,
          ratioOnAllCores: seriesOf(free.map((pair) => pair.theirs.wall / pair.ours.wall)).median,
          mbPerSecondOnAllCores: seriesOf(free.map((pair) => megabytes / pair.ours.wall)).median,
          peakMiBOnAllCores: seriesOf(free.map((pair) => peakMebibytes(pair.ours.printed))).max,
        }
      },
      remove,
    }
  } catch (error) {
    remove()
    throw error
  }
}
