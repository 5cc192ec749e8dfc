import { describe, expect, test } from 'vitest'
import { readGraph } from '../../../builders/evaluation/graph.ts'
import type { EvaluatedShell } from '../../../functions/shared/contract.ts'
import { parseStorePath, type StorePath } from '../../../nix/store-path.ts'

const path = (name: string): StorePath => parseStorePath(`/nix/store/${name[0]?.repeat(32)}-${name}`)
const base = path('a-base.drv')
const good = path('b-good.drv')
const bad = path('c-bad.drv')

/** A `.drv` file with one output. */
function drv(output: string, inputs: StorePath[] = [], env = ''): string {
  const inputDrvs = inputs.map((input) => `("${input}",["out"])`).join(',')
  return `Derive([("out",${output})],[${inputDrvs}],[],"x86_64-linux","/bin/sh",[],[${env}])`
}

function shell(name: string, drvPath: StorePath): EvaluatedShell {
  return { attribute: name, system: 'x86_64-linux', drvPath }
}

function read(files: Record<StorePath, string>): (path: StorePath) => Uint8Array {
  return (path) => {
    const text = files[path]
    if (text === undefined) throw new Error(`ENOENT: no such file, open '${path}'`)
    return Buffer.from(text)
  }
}

const input = `"${path('a-base')}","",""`

test('the graph of two shells holds what they share once', () => {
  const files = { [base]: drv(input), [good]: drv(`"${path('b-good')}","",""`, [base]) }
  const { graph, shells } = readGraph([shell('one', good), shell('two', base)], read(files))
  expect(shells).toEqual([shell('one', good), shell('two', base)])
  expect(graph).toEqual({
    version: 1,
    derivations: {
      [good]: {
        name: 'b-good',
        system: 'x86_64-linux',
        outputs: { out: path('b-good') },
        inputDrvs: { [base]: ['out'] },
        inputSrcs: [],
        requiredSystemFeatures: [],
        allowSubstitutes: true,
        fixedOutput: false,
      },
      [base]: expect.objectContaining({ name: 'a-base', outputs: { out: path('a-base') } }),
    },
  })
})

test('a shell whose derivations cannot be read gets the error, the others stay', () => {
  const files = { [base]: drv(input), [bad]: drv(input, [path('d-lost.drv')]) }
  const { graph, shells } = readGraph([shell('bad', bad), shell('good', base)], read(files))
  expect(shells).toEqual([
    {
      attribute: 'bad',
      system: 'x86_64-linux',
      error: expect.stringMatching(/cannot be read: ENOENT.*d-lost\.drv/),
    },
    shell('good', base),
  ])
  expect(Object.keys(graph.derivations)).toEqual([base])
})

describe('what Hearth cannot build is in the graph, with the reason', () => {
  test.each([
    ['floating content-addressed', '"","r:sha256",""', 'it is a floating content-addressed derivation'],
    ['impure', '"","r:sha256","impure"', 'it is an impure derivation'],
    ['deferred', '"","",""', 'it depends on a floating content-addressed derivation'],
  ])('%s', (_, output, unsupported) => {
    const { graph } = readGraph([shell('one', base)], read({ [base]: drv(output) }))
    expect(graph.derivations[base]).toMatchObject({ outputs: {}, unsupported })
  })
})
