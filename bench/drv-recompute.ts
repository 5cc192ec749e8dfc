import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleSide } from './bundle.ts'
import type { Figure, Pair } from './figure.ts'
import { NIX_OPTIONS, nixVersion } from './nix-command.ts'
import { seriesOf } from './statistics.ts'

const LAYERS = 200
const WIDTH = 100
// The Lambda with one vCPU; its memory has to hold everything, not the heap alone.
const LAMBDA_MIB = 1769
const HEAP_MIB = 1024

/**
 * The output paths of 20,000 derivations, computed from an archive that is proved on the way. Nix computes them, too, when it imports the archive; it also writes the
 * files and its database, which we need not, and proves no contents, which we must. What is promised is the Lambda's memory; `details` has the time.
 */
export const drvRecompute: Figure = {
  name: 'drv.recompute',
  compares:
    'an archive proved and its output paths computed, in the memory of one Lambda, against `nix-store --import`',
  measure: 'cpu',
  target: 1,
  prepare,
}

function prepare(progress: (text: string) => void): Pair {
  const version = nixVersion()
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-recompute-'))
  const archive = join(folder, 'archive')
  progress(`instantiating and exporting ${LAYERS * WIDTH} derivations`)
  const derivations = exportGraph(join(folder, 'store'), archive)
  const imported = join(folder, 'imported')
  const { size } = statSync(archive)
  return {
    ours: {
      label: `Hearth, ${HEAP_MIB} MiB of heap`,
      command: [
        process.execPath,
        `--max-old-space-size=${HEAP_MIB}`,
        bundleSide('recompute-outputs', folder),
        archive,
      ],
    },
    theirs: {
      label: 'nix-store --import',
      command: [
        'bash',
        '-c',
        'nix-store --import "${@:2}" < "$1"',
        'bash',
        archive,
        '--store',
        imported,
        ...NIX_OPTIONS,
      ],
      reset: () => rmSync(imported, { recursive: true, force: true }),
    },
    sizes: { derivations, bytes: size, bytesPerDerivation: Math.round(size / derivations) },
    versions: { nix: version },
    check({ ours, theirs }) {
      const { derivations: recomputed, peakMiB } = read(ours)
      const taken = theirs.trim().split('\n').length
      if (recomputed !== derivations || taken !== derivations)
        throw new Error(`of ${derivations} derivations we took ${recomputed}, and Nix ${taken}`)
      if (peakMiB > LAMBDA_MIB)
        throw new Error(`${peakMiB} MiB were needed, and the Lambda has ${LAMBDA_MIB} MiB`)
    },
    details: (runs) => ({
      seconds: seriesOf(runs.map((run) => read(run.ours.printed).seconds)).median,
      peakMiB: seriesOf(runs.map((run) => read(run.ours.printed).peakMiB)).max,
      lambdaMiB: LAMBDA_MIB,
    }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** What our side prints. */
function read(printed: string): { derivations: number; seconds: number; peakMiB: number } {
  const { derivations, seconds, peakKiB }: { derivations: number; seconds: number; peakKiB: number } =
    JSON.parse(printed)
  return { derivations, seconds, peakMiB: peakKiB / 1024 }
}

/** Writes the graph's derivations to an archive; returns how many they are. */
function exportGraph(store: string, archive: string): number {
  const run = (script: string, ...args: string[]): string =>
    execFileSync('bash', ['-c', `set -o pipefail; ${script}`, 'bash', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  const options = ['--store', store, ...NIX_OPTIONS]
  const size = ['--arg', 'layers', String(LAYERS), '--arg', 'width', String(WIDTH)]
  const root = run(
    'nix-instantiate "$@"',
    join(import.meta.dirname, 'layered-graph.nix'),
    ...size,
    ...options,
  )
  const list = `${archive}.paths`
  run('nix-store --query --requisites "${@:3}" "$1" > "$2"', root.trim(), list, ...options)
  run('xargs -x -s 2000000 nix-store --export "${@:3}" < "$1" > "$2"', list, archive, ...options)
  return Number(run('wc -l < "$1"', list))
}
