import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StorePath } from '../../../nix/store-path.ts'
import { TemporaryStore } from '../../local/nix/temporary-store.ts'
import { archiveBytes, fileNar } from '../../unit/nix/archive-bytes.ts'
import { makeTree } from './make-tree.ts'

/**
 * Makes the archives of the corpus again, with `nix-store --export` of the Nix on PATH (those of the repository were made by 2.8.0; every Nix writes the same). Run it
 * as `node test/fuzz/corpus/make-archives.ts`.
 */
const corpus = import.meta.dirname
const folder = join(corpus, 'archive')
const store = new TemporaryStore()

try {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  const derivations = store.paths('nix-instantiate', join(corpus, 'derivations.nix'))
  write('derivations', closureOf(derivations))
  const inputs = derivations.filter((path) => path.endsWith('-inputs.drv'))
  write('inputs', closureOf(inputs))
  write(
    'one',
    derivations.filter((path) => path.endsWith('-base.drv')),
  )

  const tree = join(store.root, 'tree')
  makeTree(tree)
  const added = ['md5', 'sha1', 'sha256', 'sha512'].flatMap((algorithm) =>
    [[], ['--recursive']].map((recursive) =>
      store.text('nix-store', '--add-fixed', ...recursive, algorithm, join(tree, 'nothing')),
    ),
  )
  const list = `[ ${[...added, selfReferring()].map((path) => `"${path}"`).join(' ')} ]`
  const args = ['--arg', 'added', list, '--arg', 'tree', tree]
  write('sources', closureOf(store.paths('nix-instantiate', join(corpus, 'sources.nix'), ...args)))
  writeFileSync(join(folder, 'empty'), archiveBytes())
} finally {
  store.remove()
}

function closureOf(paths: StorePath[]): StorePath[] {
  return store.paths('nix-store', '--query', '--requisites', ...paths)
}

function write(name: string, paths: StorePath[]): void {
  const bytes = store.bytes('nix-store', '--export', ...paths)
  writeFileSync(join(folder, name), bytes)
  process.stdout.write(`${name}: ${paths.length} paths, ${bytes.length} bytes\n`)
}

/** A content-addressed path that refers to itself and to another: Nix makes it from an input-addressed one. */
function selfReferring(): string {
  const one = `/nix/store/${'1'.repeat(32)}-one`
  const self = `/nix/store/${'2'.repeat(32)}-self`
  const bytes = archiveBytes(
    { nar: fileNar('one'), path: one },
    { nar: fileNar(`${self} ${one} ${self}${self}`), path: self, references: [one, self] },
  )
  writeFileSync(join(store.root, 'import'), bytes)
  store.elsewhere('sh', '-c', 'nix-store --store "$0" --import < import', join(store.root, 'store'))
  const { rewrites } = JSON.parse(store.text('nix', 'store', 'make-content-addressed', '--json', self)) as {
    rewrites: Record<string, string>
  }
  return rewrites[self] ?? ''
}
