import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatSecretKey, generateSecretKey } from '../nix/signature.ts'
import { bundleSide } from './bundle.ts'
import type { Figure, Pair } from './figure.ts'
import { NIX_OPTIONS, nixVersion } from './nix-command.ts'
import { importIntoStore } from './own-store.ts'
import { benchServers } from './server-process.ts'
import { smallPaths } from './small-paths.ts'
import { seriesOf } from './statistics.ts'

const PATHS = 5_000
// How often Publish asks S3 for each: it writes the record of who was first, the NAR, and the narinfo. What was staged comes in parcels, some hundred paths at a time.
const REQUESTS = 3

/** Small paths from staging to visible, verified and signed, against what one would do with Nix alone: sign the store, copy it to an HTTP server. */
export const publishEndToEnd: Figure = {
  name: 'publish.e2e',
  compares:
    'small paths staged, verified, signed and visible on the local S3, against `nix store sign --all` and `nix copy` to a local HTTP store',
  measure: 'wall',
  target: 1.5,
  prepare,
}

function prepare(progress: (text: string) => void): Pair {
  const version = nixVersion()
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-e2e-'))
  const at = (name: string): string => join(folder, name)
  const { serve, remove } = benchServers(folder)
  try {
    const servers = { ours: serve('s3-server'), theirs: serve('http-store') }
    const s3 = servers.ours.endpoint
    const http = servers.theirs.endpoint
    const key = at('key')
    writeFileSync(key, formatSecretKey(generateSecretKey('bench-1')))
    progress(`staging ${PATHS} paths`)
    const stage = [bundleSide('stage-small-paths', folder), s3, at('unsigned'), String(PATHS)]
    const narBytes = Number(execFileSync(process.execPath, stage, { encoding: 'utf8' }))
    progress('and the same into a store')
    const nix = new NixStore(folder)
    nix.import(at('unsigned'))
    const digest = (url: string): string =>
      execFileSync(process.execPath, [bundleSide('digest-narinfos', folder), url, key, String(PATHS)], {
        encoding: 'utf8',
      })
    let run = 0
    const served = { ours: 0, theirs: 0 }
    const cpus = () => ({ ours: servers.ours.cpu(), theirs: servers.theirs.cpu() })
    let before = cpus()
    const publish = bundleSide('publish-staged', folder)
    return {
      ours: {
        label: 'Hearth: publishBatch',
        command: [process.execPath, publish, s3, key, String(PATHS)],
      },
      theirs: {
        label: 'nix store sign --all; nix copy',
        command: ['bash', '-c', nix.signAndCopy(key, at('url'))],
        reset() {
          nix.restore()
          writeFileSync(at('url'), `${http}/run-${++run}`)
        },
      },
      sizes: { paths: PATHS, narBytes, requestsPerPath: REQUESTS },
      versions: { nix: version },
      check(printed) {
        const after = cpus()
        served.ours += after.ours - before.ours
        served.theirs += after.theirs - before.theirs
        const [ours, theirs] = [digest(`${s3}/${printed.ours.trim()}`), digest(`${http}/run-${run}`)]
        if (ours !== theirs) throw new Error('the two caches do not say the same of the paths')
        // the look at both was not part of what is measured
        before = cpus()
      },
      details: (runs) => ({
        pathsPerSecond: seriesOf(runs.map(({ ours }) => PATHS / ours.wall)).median,
        cpuMicrosecondsPerRequest: seriesOf(runs.map(({ ours }) => (ours.cpu * 1e6) / PATHS / REQUESTS))
          .median,
        pathsPerSecondOfNix: seriesOf(runs.map(({ theirs }) => PATHS / theirs.wall)).median,
        // Both servers share the machine with what is measured; the pair that is not counted is among these.
        cpuMicrosecondsOfS3PerPath: (served.ours * 1e6) / PATHS / run,
        cpuMicrosecondsOfHttpStorePerPath: (served.theirs * 1e6) / PATHS / run,
      }),
      remove,
    }
  } catch (error) {
    remove()
    throw error
  }
}

/** A store of Nix under a folder, with the small paths. */
class NixStore {
  readonly #root: string
  readonly #database: string
  readonly #saved: string
  readonly #home: string

  constructor(folder: string) {
    this.#root = join(folder, 'root')
    this.#database = join(this.#root, 'nix/var/nix/db')
    this.#saved = join(folder, 'database')
    this.#home = join(folder, 'home')
  }

  /** Takes the paths from a binary cache in a folder. */
  import(cache: string): void {
    const paths = smallPaths(PATHS).map(({ path }) => path)
    importIntoStore(cache, { root: this.#root, home: this.#home }, paths)
    cpSync(this.#database, this.#saved, { recursive: true })
  }

  /** Without signatures again; what Nix remembers of caches is forgotten. */
  restore(): void {
    for (const folder of [this.#database, this.#home]) rmSync(folder, { recursive: true })
    cpSync(this.#saved, this.#database, { recursive: true })
    mkdirSync(this.#home)
  }

  /**
   * The script that signs everything and copies it to an HTTP store; zstd, because Hearth has that, and Nix's default is much slower.
   * @param url the file with the store's URL
   */
  signAndCopy(key: string, url: string): string {
    const nix = `HOME='${this.#home}' nix ${NIX_OPTIONS.map((word) => `'${word}'`).join(' ')}`
    const sign = `${nix} store sign --store '${this.#root}' --all --key-file '${key}'`
    return `${sign} && ${nix} copy --from '${this.#root}' --to "$(cat '${url}')?compression=zstd" --all`
  }
}
