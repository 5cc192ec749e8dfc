import { execFileSync } from 'node:child_process'
import { copyFileSync, linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashPartOf, type StorePath } from '../nix/store-path.ts'
import { bundleSide } from './bundle.ts'
import type { Figure, Pair } from './figure.ts'
import { NIX_OPTIONS, nixVersion } from './nix-command.ts'
import { importIntoStore, inOwnStore } from './own-store.ts'
import { benchServers } from './server-process.ts'
import { smallPaths } from './small-paths.ts'
import { writeStagedNar } from './staged-nar.ts'
import { seriesOf } from './statistics.ts'

const SMALL_PATHS = 5_000
const LARGE_BYTES = 1e9
// What a builder has unless it is told otherwise (`builders/machine/settings.ts`); Nix is given the same.
const ZSTD_LEVEL = 6

/** Thousands of small paths: what a request, a process or a file for each of them costs. */
export const uploadSmall: Figure = {
  name: 'upload.small',
  compares:
    "small paths of a builder's store staged on the local S3, against `nix copy` to a local HTTP store",
  measure: 'wall',
  target: 3,
  prepare: (progress) =>
    prepare((folder, s3) => {
      progress(`making ${SMALL_PATHS} paths`)
      const cache = join(folder, 'cache')
      const stage = [bundleSide('stage-small-paths', folder), s3, cache, String(SMALL_PATHS)]
      const bytes = Number(execFileSync(process.execPath, stage, { encoding: 'utf8' }))
      return { cache, bytes, paths: smallPaths(SMALL_PATHS).map(({ path }) => path) }
    }),
}

/** One path of 1 GB: reading, hashing, compressing, sending. */
export const uploadLarge: Figure = {
  name: 'upload.large',
  compares:
    "a path of 1 GB of a builder's store staged on the local S3, against `nix copy` to a local HTTP store",
  measure: 'wall',
  target: 1,
  prepare: (progress) =>
    prepare((folder) => {
      progress('making a path of 1 GB')
      return largePath(folder)
    }),
}

/** A binary cache in a folder, and everything that is in it. */
interface Content {
  cache: string
  paths: StorePath[]
  /** of all NARs */
  bytes: number
}

function prepare(make: (folder: string, s3: string) => Content): Pair {
  const version = nixVersion()
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-upload-'))
  const at = (name: string): string => join(folder, name)
  const { serve, remove } = benchServers(folder)
  try {
    const servers = { ours: serve('s3-server'), theirs: serve('http-store') }
    const [s3, http] = [servers.ours.endpoint, servers.theirs.endpoint]
    const { cache, paths, bytes } = make(folder, s3)
    const [root, home] = [at('root'), at('home')]
    importIntoStore(cache, { root, home }, paths)
    rmSync(cache, { recursive: true })
    // As in every store that has built something: without it, nobody could tell where this Nix keeps its logs.
    mkdirSync(join(root, 'nix/var/log/nix/drvs'), { recursive: true })
    writeFileSync(at('paths'), `${paths.join('\n')}\n`)
    const store = { nix: join(root, 'nix'), home, config: 'build-users-group =' }
    const copy = ['nix', ...NIX_OPTIONS, 'copy', '--all', '--to'].map((word) => `'${word}'`).join(' ')
    const options = `compression=zstd&compression-level=${ZSTD_LEVEL}`
    const upload = [process.execPath, bundleSide('upload-paths', folder), s3, String(ZSTD_LEVEL), at('paths')]
    const compare = bundleSide('compare-uploads', folder)
    let run = 0
    const served = { ours: 0, theirs: 0 }
    const cpus = () => ({ ours: servers.ours.cpu(), theirs: servers.theirs.cpu() })
    let before = cpus()
    return {
      ours: { label: 'Hearth: Uploader', command: inOwnStore(store, upload) },
      theirs: {
        label: 'nix copy',
        command: inOwnStore(store, ['bash', '-c', `${copy} "$(cat "$0")"`, at('url')]),
        reset() {
          // what Nix remembers of caches is forgotten
          rmSync(home, { recursive: true })
          mkdirSync(home)
          writeFileSync(at('url'), `${http}/run-${++run}?${options}`)
        },
      },
      sizes: { paths: paths.length, narBytes: bytes },
      versions: { nix: version },
      check(printed) {
        const after = cpus()
        served.ours += after.ours - before.ours
        served.theirs += after.theirs - before.theirs
        const uploads = [s3, printed.ours.trim(), `${http}/run-${run}`, at('paths')]
        execFileSync(process.execPath, [compare, ...uploads], { stdio: ['ignore', 'ignore', 'inherit'] })
        // the look at both was not part of what is measured
        before = cpus()
      },
      details: (runs) => ({
        mbPerSecond: seriesOf(runs.map(({ ours }) => bytes / 1e6 / ours.wall)).median,
        mbPerSecondOfNix: seriesOf(runs.map(({ theirs }) => bytes / 1e6 / theirs.wall)).median,
        cpuMicrosecondsPerPath: seriesOf(runs.map(({ ours }) => (ours.cpu * 1e6) / paths.length)).median,
        cpuMicrosecondsPerPathOfNix: seriesOf(runs.map(({ theirs }) => (theirs.cpu * 1e6) / paths.length))
          .median,
        // Both servers share the machine with what is measured; the pair that is not counted is among these.
        cpuMicrosecondsOfS3PerPath: (served.ours * 1e6) / paths.length / run,
        cpuMicrosecondsOfHttpStorePerPath: (served.theirs * 1e6) / paths.length / run,
      }),
      remove,
    }
  } catch (error) {
    remove()
    throw error
  }
}

/** A directory with copies of the program that runs this: content as large packages have it. */
function largePath(folder: string): Content {
  const program = join(folder, 'program')
  mkdirSync(program)
  copyFileSync(process.execPath, join(program, 'node'))
  const { file, narinfo, info } = writeStagedNar(folder, 'large', { content: program, least: LARGE_BYTES })
  const cache = join(folder, 'cache')
  mkdirSync(join(cache, 'nar'), { recursive: true })
  writeFileSync(join(cache, 'nix-cache-info'), 'StoreDir: /nix/store\n')
  linkSync(file, join(cache, info.url))
  linkSync(narinfo, join(cache, `${hashPartOf(info.storePath)}.narinfo`))
  rmSync(file)
  rmSync(program, { recursive: true })
  return { cache, paths: [info.storePath], bytes: info.narSize }
}
