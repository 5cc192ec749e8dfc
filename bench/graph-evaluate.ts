import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleSide } from './bundle.ts'
import type { Figure, Pair, Side } from './figure.ts'
import { nixVersion } from './nix-command.ts'
import { inOwnStore } from './own-store.ts'
import { startServer } from './server-process.ts'

const LAYERS = 200
const WIDTH = 100
const SYSTEM = 'x86_64-linux'

// The same for both: no caches to ask, no waiting for the disk.
const NIX_CONFIG = [
  'experimental-features = nix-command flakes',
  'substituters =',
  'build-users-group =',
  'fsync-metadata = false',
].join('\n')

/**
 * A flake of 20,000 derivations, evaluated into an empty store. Nix only writes the derivations; an evaluator also fetches the commit, lists what there is, and stages the archive of
 * everything, which Plan reads. What is promised is that this costs a fifth more at most.
 */
export const graphEvaluate: Figure = {
  name: 'graph.evaluate',
  compares: "an evaluator's whole job for one flake, archive included, against `nix path-info --derivation`",
  measure: 'wall',
  // 1 / 1.2, a fifth more
  target: 0.83,
  prepare,
}

function prepare(progress: (text: string) => void): Pair {
  const version = nixVersion()
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-evaluate-'))
  progress(`a flake of ${LAYERS * WIDTH} derivations`)
  const source = join(folder, 'source')
  const commit = writeFlake(source)
  const server = startServer('s3-server', join(folder, 's3'))
  const reference = `git+file://${source}?rev=${commit}#packages.${SYSTEM}.default`
  const ours = [
    process.execPath,
    bundleSide('evaluate-target', folder),
    server.endpoint,
    source,
    commit,
    SYSTEM,
  ]
  return {
    ours: inEmptyStore(folder, 'Hearth: evaluate', ours),
    theirs: inEmptyStore(folder, 'nix path-info --derivation', [
      'nix',
      'path-info',
      '--derivation',
      reference,
    ]),
    sizes: { derivations: LAYERS * WIDTH + 1 },
    versions: { nix: version },
    check({ ours, theirs }) {
      if (ours !== theirs)
        throw new Error(`the two evaluate to different derivations: ${ours.trim()} and ${theirs.trim()}`)
    },
    remove: () => {
      server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** @returns the commit */
function writeFlake(folder: string): string {
  mkdirSync(folder)
  cpSync(join(import.meta.dirname, 'layered-graph.nix'), join(folder, 'layered-graph.nix'))
  const graph = `import ./layered-graph.nix { layers = ${LAYERS}; width = ${WIDTH}; }`
  writeFileSync(
    join(folder, 'flake.nix'),
    `{ outputs = { self }: { packages.${SYSTEM}.default = ${graph}; }; }\n`,
  )
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@example.org', ...args], {
      cwd: folder,
      encoding: 'utf8',
    })
  git('init', '--quiet')
  git('add', '.')
  git('commit', '--quiet', '--message', 'bench')
  return git('rev-parse', 'HEAD').trim()
}

/** A command on a machine whose /nix and whose home are empty before every run. */
function inEmptyStore(folder: string, label: string, command: string[]): Side {
  const [nix, home] = [join(folder, 'nix'), join(folder, 'home')]
  return {
    label,
    command: inOwnStore({ nix, home, config: NIX_CONFIG }, command),
    reset: () => {
      for (const path of [nix, home]) {
        rmSync(path, { recursive: true, force: true })
        mkdirSync(path)
      }
    },
  }
}
