import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatPublicKey, formatSecretKey, generateSecretKey, publicKeyOf } from '../../../nix/signature.ts'
import { baseNameOf } from '../../../nix/store-path.ts'
import { TemporaryStore } from '../../local/nix/temporary-store.ts'
import { makeTree } from './make-tree.ts'

/**
 * Makes the corpus again with the Nix on PATH (that of the repository was made by 2.8.0): derivations, narinfos with two signatures each, NARs. Signatures come out
 * otherwise each time, because the keys are made here, and their secrets are not kept. Run it as `node test/fuzz/corpus/make-corpus.ts`.
 */
const corpus = import.meta.dirname
const store = new TemporaryStore()
const folderOf = (target: string): string => {
  rmSync(join(corpus, target), { recursive: true, force: true })
  mkdirSync(join(corpus, target))
  return join(corpus, target)
}

try {
  const keys = ['cache.example.org-1', 'cache.example.org-2'].map(generateSecretKey)
  const packages = join(corpus, '../../local/nix/packages.nix')
  const all = store.paths('nix-build', '--no-out-link', packages)
  const cache = `file://${join(store.root, 'cache')}`
  store.text('nix', 'copy', '--to', `${cache}?compression=none`, ...all)
  for (const key of keys) {
    const file = join(store.root, key.name)
    writeFileSync(file, formatSecretKey(key))
    store.elsewhere('nix', 'store', 'sign', '--store', cache, '--all', '--key-file', file)
  }
  const narinfos = folderOf('narinfo')
  for (const { text, name } of store.narInfos('cache')) writeFileSync(join(narinfos, name), text)
  writeFileSync(
    join(corpus, 'public-keys'),
    keys.map((key) => `${formatPublicKey(publicKeyOf(key))}\n`).join(''),
  )

  const derivations = folderOf('derivation')
  store.text('nix-instantiate', join(corpus, 'derivations.nix'))
  for (const path of store.derivations()) {
    // packages.nix has some, too: each of both kinds is a real one
    copyFileSync(store.onDisk(path), join(derivations, baseNameOf(path)))
    chmodSync(join(derivations, baseNameOf(path)), 0o644)
  }

  const nars = folderOf('nar')
  for (const { name, text } of store.narInfos('cache')) {
    const url = /^URL: (.*)$/m.exec(text)?.[1] ?? ''
    writeFileSync(join(nars, name.replace('narinfo', 'nar')), readFileSync(join(store.root, 'cache', url)))
  }
  const tree = join(store.root, 'tree')
  makeTree(tree)
  writeFileSync(join(nars, 'tree.nar'), store.bytes('nix-store', '--dump', tree))
  for (const kind of ['narinfo', 'derivation', 'nar'])
    process.stdout.write(`${kind}: ${readdirSync(join(corpus, kind)).length}\n`)
} finally {
  store.remove()
}
