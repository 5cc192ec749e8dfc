import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findMaker } from '../../../builders/evaluation/find-maker.ts'
import { contextPath, importedOutputs } from '../../../builders/evaluation/imports.ts'
import { baseNameOf } from '../../../nix/store-path.ts'
import { storePath } from '../functions/graphs.ts'

const DRV = '/nix/store/hzy7c0fk0dbvjs9qbmsh4l060iv5kjqy-plan.drv'

describe('what Nix says of an import', () => {
  // from Nix 2.8.0 and, for the last, nix-facts section 3
  test.each([
    ['2.8, of one output', `building of '${DRV}!out' from .drv file: created`, ['out']],
    ['2.8, of two', `building of '${DRV}!dev,out' from .drv file: init`, ['dev', 'out']],
    ['newer ones', `building of '${DRV}^out' from .drv file: init`, ['out']],
    ['2.34', `warning: built '${DRV}^out' during evaluation due to an import from derivation`, ['out']],
    [
      '2.34 in colour',
      `\u001b[35;1mwarning:\u001b[0m built '\u001b[35;1m${DRV}^out\u001b[0m' during evaluation due to an import from derivation`,
      ['out'],
    ],
  ])('%s', (_, line, outputs) => expect(importedOutputs(line)).toEqual({ drvPath: DRV, outputs }))

  test.each([
    ['a build', `building '${DRV}'...`],
    ['an instantiation', `instantiated 'plan' -> '${DRV}'`],
    ['no store path', "building of '/tmp/plan.drv!out' from .drv file: created"],
  ])('%s is none', (_, line) => expect(importedOutputs(line)).toBeUndefined())
})

describe('what was being imported when an evaluation ended', () => {
  const path = '/nix/store/prflgmj0k90lnlqx6mmfbslv4x0xplh3-plan'
  test.each([
    ['a file', `       … while realising the context of path '${path}'`, path],
    ['a file below it', `       … while realising the context of path '${path}/default.nix'`, path],
    ['a copy of it', `       … while adding path '${path}'`, path],
    ['no path of the store', "       … while realising the context of path '/tmp/plan'", undefined],
    ['a path that is not known yet', '       … while realising the context of a path', undefined],
  ])('%s', (_, line, expected) => expect(contextPath(line)).toBe(expected))
})

describe('which derivation makes an output that is not there', () => {
  let folder: string
  const write = (name: string, outputs: Record<string, string>): string => {
    const shown = Object.entries(outputs).map(([output, path]) => `("${output}","${path}","","")`)
    const drvPath = storePath(`${name}.drv`)
    writeFileSync(
      join(folder, baseNameOf(drvPath)),
      `Derive([${shown.join()}],[],[],"x86_64-linux","/bin/sh",[],[])`,
    )
    return drvPath
  }
  let lib: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hearth-test-maker-'))
    lib = write('lib', { dev: storePath('lib-dev'), out: storePath('lib') })
    write('lib-dev', { out: storePath('lib-dev-other') })
    writeFileSync(join(folder, baseNameOf(storePath('li'))), 'no derivation')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each(['lib', 'lib-dev'])('%s', async (name) => {
    expect(await findMaker(storePath(name), folder)).toEqual({
      drvPath: lib,
      output: name === 'lib' ? 'out' : 'dev',
    })
  })
  test('none', async () => expect(await findMaker(storePath('lib-doc'), folder)).toBeUndefined())
})
