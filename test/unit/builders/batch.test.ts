import { describe, expect, test } from 'vitest'
import { readBatch } from '../../../builders/batch/batch.ts'
import { parseStorePath, type StorePath } from '../../../nix/store-path.ts'

const path = (name: string): StorePath => parseStorePath(`/nix/store/${name[0]?.repeat(32)}-${name}`)
const [a, b, c] = ['a.drv', 'b.drv', 'c.drv'].map(path) as [StorePath, StorePath, StorePath]

const drv = (out: StorePath, inputs: string, sources: string): string =>
  `Derive([("out","${out}","","")],[${inputs}],[${sources}],"x86_64-linux","/bin/sh",[],[])`

const job = (drvPath: StorePath, out: StorePath, needs: StorePath[] = []) => ({
  drvPath,
  outputs: { out },
  inputs: [],
  needs,
  path: 1,
  isAwaited: true,
})

describe('what a batch needs is read from its derivations', () => {
  const [outA, outB, source] = ['a', 'b', 's'].map(path) as [StorePath, StorePath, StorePath]
  const files = new Map<StorePath, string>([
    [a, drv(outA, '', '')],
    [b, drv(outB, `("${a}",["out"])`, `"${source}"`)],
    [c, drv(path('c'), `("${a}",["dev"])`, '')],
  ])
  const none = (): boolean => false
  const read = (path: StorePath): Uint8Array => Buffer.from(files.get(path) ?? '')
  test('an input outside the batch is asked for, although the job does not list it', () => {
    expect(readBatch([job(b, outB)], none, read)).toMatchObject([
      { drvPath: b, inputs: [outA], inputOutputs: [outA], needs: [], sources: [source] },
    ])
  })

  test('an input of the same batch is built, not asked for', () => {
    expect(readBatch([job(b, outB), job(a, outA)], none, read)[0]).toMatchObject({
      inputs: [],
      inputOutputs: [outA],
      needs: [a],
    })
  })

  test('an input of an earlier batch is not asked for when the job says that the machine has it in hand', () => {
    const isInHand = (drvPath: StorePath): boolean => drvPath === a
    expect(readBatch([job(b, outB, [a])], isInHand, read)).toMatchObject([{ inputs: [], needs: [a] }])
    // it has been published meanwhile, perhaps by another machine
    expect(readBatch([job(b, outB)], isInHand, read)).toMatchObject([{ inputs: [outA], needs: [] }])
    // the machine has lost it
    expect(readBatch([job(b, outB, [a])], none, read)).toMatchObject([{ inputs: [outA], needs: [] }])
  })

  test.each([
    ['an output that is not the derivation’s', job(a, outB), 'has the outputs'],
    ['an input’s output that does not exist', job(c, path('c')), "has no output 'dev'"],
  ])('%s is refused', (_, derivation, message) => {
    expect(() => readBatch([derivation], none, read)).toThrow(message)
  })
})
