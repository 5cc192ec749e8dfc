import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { formatPublicKey, formatSecretKey, generateSecretKey, publicKeyOf } from '../../../nix/signature.ts'
import { baseNameOf } from '../../../nix/store-path.ts'
import { TemporaryStore } from '../../local/nix/temporary-store.ts'

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

/** Files of every kind: empty and not, executable, links, directories in directories, names that are no ASCII, names that are no text. */
function makeTree(tree: string): void {
  mkdirSync(join(tree, 'bin/deep/deeper'), { recursive: true })
  mkdirSync(join(tree, 'empty'))
  writeFileSync(join(tree, 'bin/run'), '#!/bin/sh\necho run\n', { mode: 0o755 })
  writeFileSync(join(tree, 'bin/deep/deeper/file'), 'x'.repeat(1001))
  writeFileSync(join(tree, 'nothing'), '')
  writeFileSync(join(tree, 'ä→🔥'), 'eight by')
  writeFileSync(Buffer.from(`${tree}/\xff\xfe`, 'latin1'), 'the name is no UTF-8')
  symlinkSync('bin/run', join(tree, 'run'))
  symlinkSync('/nix/store/nowhere', join(tree, 'bin/dangling'))
}
