import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleSide } from './bundle.ts'
import { type Command, zstdVersion } from './zstd-command.ts'
import type { Figure, Pair } from './figure.ts'
import { timeProcess } from './process-times.ts'
import { type StagedNar, writeStagedNar } from './staged-nar.ts'
import { seriesOf } from './statistics.ts'

/** The process took more memory than is promised, whatever the NAR's size. */
export class TooMuchMemory extends Error {
  override name = 'TooMuchMemory'
  constructor(figure: string, mebibytes: number, most: number) {
    super(`${figure}: the process had ${mebibytes} MiB, and ${most} are promised`)
  }
}

const MOST_MIB = 256

/** A compressed NAR from a file to its verified hashes, form and references, against the two programs that give the hash alone, each on a core of its own. */
export const publishVerify: Figure = {
  name: 'publish.verify',
  compares: 'a staged NAR verified as Publish does, against `zstd -dc | sha256sum`',
  measure: 'wall',
  target: 1.3,
  prepare,
}

function prepare(progress: (text: string) => void): Pair {
  const zstd = zstdVersion()
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-verify-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    progress('writing the NAR of node_modules')
    const nar = writeStagedNar(folder, 'large')
    const small = writeStagedNar(folder, 'small', { content: import.meta.dirname })
    const ours = verifyCommand(folder, nar)
    const peakOfSmall = peakMebibytes(timeProcess(verifyCommand(folder, small)).printed)
    return {
      ours: { label: 'Hearth: hashes, sizes, form, references', command: ours },
      theirs: {
        label: 'zstd -dc | sha256sum: the hash',
        command: ['bash', '-c', 'zstd -dc "$1" | sha256sum', 'bash', nar.file],
      },
      sizes: sizesOf(nar),
      versions: { zstd },
      check: (printed) => checkVerified('publish.verify', nar, printed, MOST_MIB),
      details: (runs) => ({
        peakMiB: seriesOf(runs.map((run) => peakMebibytes(run.ours.printed))).max,
        [`peakMiBOfANarOf${Math.round(small.info.narSize / 1024)}KiB`]: peakOfSmall,
      }),
      remove,
    }
  } catch (error) {
    remove()
    throw error
  }
}

/** The process that verifies a NAR. */
export function verifyCommand(folder: string, nar: StagedNar): Command {
  return [process.execPath, bundleSide('verify-nar', folder), nar.file, nar.narinfo]
}

export function sizesOf({ info }: StagedNar): Pair['sizes'] {
  return { narBytes: info.narSize, compressedBytes: info.fileSize ?? 0 }
}

/** Checks that `sha256sum`, where it ran, found the same hash, and that the memory was bounded. @throws TooMuchMemory */
export function checkVerified(
  figure: string,
  nar: StagedNar,
  { ours, theirs }: Record<keyof Pick<Pair, 'ours' | 'theirs'>, string>,
  mostMiB: number,
): void {
  if (theirs !== '' && !theirs.startsWith(nar.sha256))
    throw new Error(`sha256sum says ${theirs.trim()}, and the NarHash is ${nar.sha256}`)
  const peak = peakMebibytes(ours)
  if (peak > mostMiB) throw new TooMuchMemory(figure, peak, mostMiB)
}

/** From what `verify-nar` prints. */
export function peakMebibytes(printed: string): number {
  return Math.round(Number(printed) / 1024)
}
