import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleSide } from './bundle.ts'
import type { Figure, Pair } from './figure.ts'
import { NIX_OPTIONS, nixVersion, showDerivation } from './nix-command.ts'

const LAYERS = 200
const WIDTH = 100

/** Reading a graph of 20,000 derivations from their files against asking Nix for its JSON, each as a whole process. */
export const graphRead: Figure = {
  name: 'graph.read',
  compares: 'readDerivationClosure against `nix derivation show -r` and JSON.parse',
  measure: 'cpu',
  target: 2,
  prepare,
}

function prepare(progress: (text: string) => void): Pair {
  const version = nixVersion()
  const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-graph-'))
  const store = join(folder, 'store')
  progress(`instantiating ${LAYERS * WIDTH} derivations`)
  const root = instantiate(store)
  const files = readdirSync(join(store, 'nix/store')).filter((name) => name.endsWith('.drv'))
  const bytes = files.reduce((sum, name) => sum + statSync(join(store, 'nix/store', name)).size, 0)
  const show = ['nix', ...showDerivation(version), '--recursive', '--store', store, ...NIX_OPTIONS, root]
  return {
    ours: {
      label: 'Hearth: .drv files',
      command: [process.execPath, bundleSide('read-closure', folder), store, root],
    },
    theirs: {
      label: `nix ${showDerivation(version).join(' ')} -r, JSON.parse`,
      command: [process.execPath, bundleSide('parse-shown-derivations', folder), ...show],
    },
    sizes: { derivations: files.length, bytes, bytesPerDerivation: Math.round(bytes / files.length) },
    versions: { nix: version },
    check({ ours, theirs }) {
      if (ours !== theirs)
        throw new Error(`the two read different graphs: ${ours.trim()} and ${theirs.trim()}`)
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Writes the graph's `.drv` files into a new store; returns the path of their root. */
function instantiate(store: string): string {
  const size = ['--arg', 'layers', String(LAYERS), '--arg', 'width', String(WIDTH)]
  const args = ['--store', store, ...NIX_OPTIONS, join(import.meta.dirname, 'layered-graph.nix'), ...size]
  return execFileSync('nix-instantiate', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim()
}
