import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { graphOf } from '../../../../functions/plan/graph-of.ts'
import { makeFixedOutputPath, makeTextPath } from '../../../../nix/content-address.ts'
import { checkDerivation } from '../../../../nix/derivation-file.ts'
import type { StorePath } from '../../../../nix/store-path.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const HASH = sha256('MIT')
const OUT = makeFixedOutputPath('mit', 'flat', { algorithm: 'sha256', digest: Buffer.from(HASH, 'hex') })

/** What the graph says of a derivation with these variables, sorted by name, and this output. */
function describedWith(variables: Record<string, string>, output = `"${OUT}","sha256","${HASH}"`) {
  const env = Object.entries(variables).map(([name, value]) => `("${name}",${JSON.stringify(value)})`)
  const text = `Derive([("out",${output})],[],[],"x86_64-linux","/bin/sh",[],[${env.join()}])`
  const path: StorePath = makeTextPath('mit.drv', sha256(text), [])
  const derivations = new Map([[path, checkDerivation(path, Buffer.from(text), [])]])
  return graphOf({ derivations, sources: new Map() }).derivations[path]
}

test('a fixed output comes with the content that it must have', () => {
  expect(describedWith({ out: OUT })).toEqual({
    name: 'mit',
    system: 'x86_64-linux',
    outputs: { out: OUT },
    inputDrvs: {},
    inputSrcs: [],
    requiredSystemFeatures: [],
    allowSubstitutes: true,
    fixedOutput: { algorithm: 'sha256', hash: HASH, method: 'flat' },
  })
})

test.each([
  ['impure', '"","r:sha256","impure"', 'impure'],
  ['floating content-addressed', '"","r:sha256",""', 'floating content-addressed'],
])(
  'one whose content nobody knows beforehand (%s) is unsupported, and the graph is read all the same',
  (_, output, why) => {
    const described = describedWith({ out: '/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9' }, output)
    expect(described).toMatchObject({ outputs: {}, unsupported: `it is unsupported: ${why}` })
    expect(described).not.toHaveProperty('fixedOutput')
  },
)

describe('the rules for its references come with it', () => {
  test('when it has some', () => {
    expect(describedWith({ allowedReferences: '', out: OUT })?.referenceRules).toEqual({
      out: { allowedReferences: [], ignoreSelf: true },
    })
  })
  test('and one whose rules nobody can read cannot be built; the graph is read all the same', () => {
    const described = describedWith({ __json: '{"outputChecks":{"out":{"maxSize":"1 MB"}}}', out: OUT })
    expect(described?.unsupported).toBe(
      'it is unsupported: outputChecks.out.maxSize of the derivation must be a number of bytes',
    )
    expect(described?.outputs).toEqual({ out: OUT })
  })
})
