import { describe, expect, test } from 'vitest'
import { blockedBy, type PlannedDerivation, readBatch } from '../../../builders/batch/batch.ts'
import { parseStorePath, type StorePath } from '../../../nix/store-path.ts'

const path = (name: string): StorePath => parseStorePath(`/nix/store/${name[0]?.repeat(32)}-${name}`)
const [a, b, c, d] = ['a.drv', 'b.drv', 'c.drv', 'd.drv'].map(path) as [
  StorePath,
  StorePath,
  StorePath,
  StorePath,
]

const derivation = (drvPath: StorePath, needs: StorePath[]): PlannedDerivation => ({
  drvPath,
  name: drvPath.slice(44),
  outputs: [],
  needs,
  inputOutputs: [],
  inputs: [],
  sources: [],
})

const drv = (out: StorePath, inputs: string, sources: string): string =>
  `Derive([("out","${out}","","")],[${inputs}],[${sources}],"x86_64-linux","/bin/sh",[],[])`

const job = (drvPath: StorePath, out: StorePath) => ({ drvPath, outputs: { out }, inputs: [], needs: [] })

describe('what a reason takes with it', () => {
  // c needs b needs a; d needs nothing
  const batch = [derivation(c, [b]), derivation(a, []), derivation(b, [a]), derivation(d, [])]

  test.each([
    ['nothing', [], {}],
    ['the first', [a], { c: [a], a: [a], b: [a] }],
    ['one in the middle', [b], { c: [b], b: [b] }],
    ['two, both are to blame', [b, a], { c: [b, a], a: [a], b: [b, a] }],
    ['one that nobody needs', [d], { d: [d] }],
  ])('%s', (_, broken, expected) => {
    const blocked = blockedBy(batch, new Map(broken.map((path) => [path, [path]])))
    const found = Object.fromEntries(blocked.map(({ derivation, because }) => [derivation.name[0], because]))
    expect(found).toEqual(expected)
  })
})

describe('what a batch needs is read from its derivations', () => {
  const [outA, outB, source] = ['a', 'b', 's'].map(path) as [StorePath, StorePath, StorePath]
  const files = new Map<StorePath, string>([
    [a, drv(outA, '', '')],
    [b, drv(outB, `("${a}",["out"])`, `"${source}"`)],
    [c, drv(path('c'), `("${a}",["dev"])`, '')],
  ])
  const read = (path: StorePath): Uint8Array => Buffer.from(files.get(path) ?? '')
  test('an input outside the batch is asked for, although the job does not list it', () => {
    expect(readBatch([job(b, outB)], read)).toMatchObject([
      { drvPath: b, inputs: [outA], inputOutputs: [outA], needs: [], sources: [source] },
    ])
  })

  test('an input of the same batch is built, not asked for', () => {
    expect(readBatch([job(b, outB), job(a, outA)], read)[0]).toMatchObject({
      inputs: [],
      inputOutputs: [outA],
      needs: [a],
    })
  })

  test.each([
    ['an output that is not the derivation’s', job(a, outB), 'has the outputs'],
    ['an input’s output that does not exist', job(c, path('c')), "has no output 'dev'"],
  ])('%s is refused', (_, derivation, message) => {
    expect(() => readBatch([derivation], read)).toThrow(message)
  })
})
