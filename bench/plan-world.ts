import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatPublicKey, formatSecretKey, generateSecretKey, publicKeyOf } from '../nix/signature.ts'
import type { Requests } from '../functions/shared/caches.ts'
import { bundleSide } from './bundle.ts'
import type { Figure, Pair } from './figure.ts'
import { NIX_OPTIONS, nixVersion } from './nix-command.ts'
import { CACHE, EMPTY_CACHE, LATENCY_MS } from './plan-buckets.ts'
import { startServer } from './server-process.ts'
import { seriesOf } from './statistics.ts'

const LAYERS = 5
const WIDTH = 1000

/** What is known before a shell of 5,000 paths is planned. */
export interface PlanWorld {
  /** how many of its packages no cache has */
  changed: number
  /** whether the index of our cache, and the upstreams' memory, are there */
  isRemembered: boolean
  /** which cache has the packages */
  heldBy: 'our cache' | 'an upstream'
}

interface Planned {
  held: string[]
  missing: string[]
  requests: Requests
  seconds: number
  secondsOfProcess: number
}

/**
 * A figure that plans a shell, against Nix's own dry run with the same cache at the same latency. Nix is measured as a whole process, and remembers
 * nothing of caches. Of ours the loading of the program is not counted, because Lambda does that before a function is asked, once for many times; how long the process
 * took with it is reported as `secondsOfProcess`.
 */
export function planFigure(name: string, compares: string, target: number, world: PlanWorld): Figure {
  return { name, compares, measure: 'wall', target, prepare: (progress) => prepare(world, progress) }
}

function prepare({ changed, isRemembered, heldBy }: PlanWorld, progress: (text: string) => void): Pair {
  const version = nixVersion()
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-plan-'))
  const store = join(folder, 'store')
  const home = join(folder, 'home')
  const keyFile = join(folder, 'key')
  const server = startServer('slow-s3-server', join(folder, 's3'))
  const remove = (): void => {
    server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const key = generateSecretKey('bench-1')
    writeFileSync(keyFile, formatSecretKey(key))
    progress(`instantiating ${LAYERS * WIDTH} packages`)
    const cachedShell = instantiate(store, 0)
    const shell = changed === 0 ? cachedShell : instantiate(store, changed)
    progress('and filling the cache with them')
    const { endpoint } = server
    const side = (name: string): [string, string] => [process.execPath, bundleSide(name, folder)]
    const run = ([program, ...args]: string[]): string =>
      execFileSync(program ?? '', args, { encoding: 'utf8' })
    const paths = Number(run([...side('stage-plan'), endpoint, store, keyFile, cachedShell, shell]))
    const isOurs = heldBy === 'our cache'
    const url = `${endpoint}/${CACHE}`
    const upstreams = isOurs ? [] : [{ url, publicKeys: [formatPublicKey(publicKeyOf(key))] }]
    const forget = isRemembered ? undefined : [...side('forget-caches'), endpoint]
    let planned: Planned | undefined
    return {
      ours: {
        label: 'Hearth: findMissing',
        command: [
          ...side('plan-missing'),
          endpoint,
          isOurs ? CACHE : EMPTY_CACHE,
          JSON.stringify(upstreams),
          shell,
        ],
        countedWall: (printed) => (JSON.parse(printed) as Planned).seconds,
        ...(forget === undefined ? {} : { reset: () => run(forget) }),
      },
      theirs: {
        label: 'nix-store --realise --dry-run',
        command: ['bash', '-c', dryRun(store, home, url, shell)],
        reset() {
          rmSync(home, { recursive: true, force: true })
          mkdirSync(home)
        },
      },
      sizes: { paths, changed, latencyMs: LATENCY_MS },
      versions: { nix: version },
      check({ ours, theirs }) {
        planned = JSON.parse(ours) as Planned
        compare(planned, readDryRun(theirs), shell)
      },
      details: (runs) => ({
        secondsOfProcess: seriesOf(
          runs.map(({ ours }) => (JSON.parse(ours.printed) as Planned).secondsOfProcess),
        ).median,
        ...prefixed(planned?.requests),
        requestsOfNix: paths + 1,
      }),
      remove,
    }
  } catch (error) {
    remove()
    throw error
  }
}

/** Writes the graph's `.drv` files into a store; returns the path of the shell's. */
function instantiate(store: string, changed: number): string {
  const size = Object.entries({ layers: LAYERS, width: WIDTH, changed }).flatMap(([name, value]) => [
    '--arg',
    name,
    String(value),
  ])
  const args = ['--store', store, ...NIX_OPTIONS, join(import.meta.dirname, 'shell-graph.nix'), ...size]
  return execFileSync('nix-instantiate', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}

function dryRun(store: string, home: string, url: string, shell: string): string {
  const options = NIX_OPTIONS.map((word) => `'${word}'`).join(' ')
  const settings = `--option substituters '${url}' --option require-sigs false`
  return `HOME='${home}' XDG_CACHE_HOME='${home}/cache' exec nix-store --store '${store}' --realise --dry-run '${shell}' ${options} ${settings} 2>&1`
}

/** What a dry run would build, and what it would download. */
function readDryRun(printed: string): { built: string[]; fetched: string[] } {
  const paths = printed.split('\n').flatMap((line) => /^ {2}(\/nix\/store\/\S+)$/.exec(line)?.[1] ?? [])
  const built = paths.filter((path) => path.endsWith('.drv'))
  return { built, fetched: paths.filter((path) => !path.endsWith('.drv')) }
}

/** @throws Error when the two plan different things; the shell itself is always built, and no part of our plan */
function compare(
  { held, missing }: Planned,
  { built, fetched }: ReturnType<typeof readDryRun>,
  shell: string,
): void {
  const [ours, theirs] = [
    { held, missing },
    { held: fetched.toSorted(), missing: built.filter((drv) => drv !== shell).toSorted() },
  ].map((plan) => JSON.stringify(plan))
  if (ours !== theirs)
    throw new Error(
      `ours: ${held.length} held, ${missing.length} missing; Nix: ${fetched.length} fetched, ${built.length} built`,
    )
}

function prefixed(requests: Requests | undefined): Record<string, number> {
  return Object.fromEntries(
    Object.entries(requests ?? {}).map(([what, number]) => [
      `requests${what.charAt(0).toUpperCase()}${what.slice(1)}`,
      number,
    ]),
  )
}
