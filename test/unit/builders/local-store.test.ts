import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { LocalStore } from '../../../builders/machine/local-store.ts'
import { fromBaseName, type StorePath } from '../../../nix/store-path.ts'

const HASH = 'sha256:1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s'
const path = (name: string): StorePath => fromBaseName(`${'0'.repeat(32)}-${name}`)
const PROGRAM = `#!/usr/bin/env node
const { appendFileSync } = require('node:fs')
const [, ...paths] = process.argv.slice(2)
appendFileSync(process.env.HOME + '/asked', paths.map((path) => path.replace(/.*-/, '')).join(' ') + '\\n')
for (const path of paths) {
  if (path.endsWith('invalid')) throw new Error("path '" + path + "' is not valid")
  process.stdout.write([path, '${HASH}', 96, '', 0].join('\\n') + '\\n')
}
`

/** A store whose `nix-store --dump-db` knows every path but those with the name `invalid`, and writes down what each process was asked. */
function storeOf(): { store: LocalStore; asked: () => string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-local-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'nix-store'), PROGRAM)
  chmodSync(join(folder, 'nix-store'), 0o755)
  writeFileSync(join(folder, 'asked'), '')
  // somebody's package.json further up may say that programs are ES modules
  writeFileSync(join(folder, 'package.json'), '{"type": "commonjs"}')
  return {
    store: new LocalStore({ PATH: `${folder}:${process.env['PATH']}`, HOME: folder }),
    asked: () => readFileSync(join(folder, 'asked'), 'utf8').split('\n').filter(Boolean),
  }
}

test('what is wanted while Nix is asked already is asked together, and nothing twice', async () => {
  const { store, asked } = storeOf()
  const infos = await Promise.all(
    [['a'], ['b'], ['c', 'a'], ['b']].map((names) => store.infos(names.map(path))),
  )
  expect(infos.map((found) => found.map((info) => info.path))).toEqual([
    [path('a')],
    [path('b')],
    [path('c'), path('a')],
    [path('b')],
  ])
  expect(asked()).toEqual(['a', 'b c'])
  await store.infos([path('c'), path('b')])
  expect(asked()).toHaveLength(2)
})

test('a path that is not valid fails who asked for it, and nobody else', async () => {
  const { store, asked } = storeOf()
  const settled = await Promise.allSettled(
    [['a'], ['b'], ['invalid'], ['c']].map((names) => store.infos(names.map(path))),
  )
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  expect(settled[2]).toMatchObject({ reason: { name: 'NixFailed' } })
  expect(asked()).toEqual(['a', 'b invalid c', 'b', 'invalid', 'c'])
  // and it is asked for again
  await expect(store.infos([path('invalid')])).rejects.toThrow('invalid')
})
