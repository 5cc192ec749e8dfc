import { describe, expect, test } from 'vitest'
import { isUnsupported, parseDerivationFile } from '../../../nix/derivation-file.ts'
import { parseDerivation } from '../../../nix/derivation.ts'
import { ForgedOutputs } from '../../../nix/output-kind.ts'
import { IncompleteClosure, type OutputPaths, recomputeOutputPaths } from '../../../nix/output-paths.ts'
import { parseStorePath, type StorePath } from '../../../nix/store-path.ts'
import { derivationOfNix, DERIVATIONS_OF_NIX } from './derivations-of-nix.ts'

function recompute(
  texts: Iterable<readonly [path: string, text: string | Buffer]>,
): ReturnType<typeof recomputeOutputPaths> {
  return recomputeOutputPaths(
    new Map(
      [...texts].map(([path, text]) => [
        parseStorePath(path),
        parseDerivationFile(typeof text === 'string' ? Buffer.from(text, 'latin1') : text),
      ]),
    ),
  )
}

function outputsOf(
  results: ReturnType<typeof recomputeOutputPaths>,
  path: StorePath,
): OutputPaths['outputs'] {
  const result = results.get(path)
  if (result === undefined || isUnsupported(result)) throw new Error(`${path} has no output paths`)
  return { ...result.outputs }
}

describe('the output paths are those that Nix computes:', () => {
  const results = recompute(DERIVATIONS_OF_NIX)

  test.each([
    ['a derivation without inputs', 'base', { out: 'dnpaam0fbd7fy3c2vszs6kxa5jv9jx90-base' }],
    [
      'several outputs',
      'mentions',
      {
        dev: '79i9z9mdqkqi3p0dmj0ypw69qxj9skdy-mentions-dev',
        out: 'b7cvpz64jh2cxvjijc40xkhixf5jsgvp-mentions',
      },
    ],
    [
      'outputs called like variables of the builder',
      'like-variables',
      {
        args2: 'z3q5s7vp4paycm5hlhvvvxcqqsbv0k4g-like-variables-args2',
        builder: 'w0xlb4gapyqqs1s1qwmzwpvsy9glbbgj-like-variables-builder',
      },
    ],
    [
      'two inputs that are one modulo fixed outputs, and two outputs of it',
      'needs-equal',
      { out: 'zvm97wsznd54q6gpmlbj33xwlw0mb70d-needs-equal' },
    ],
    [
      'the same, and an output that both give',
      'needs-equal-outputs',
      { out: 'ka8pcybxjixxwjlyf20hpblrpgw3khq8-needs-equal-outputs' },
    ],
    [
      'two fixed outputs that are one',
      'needs-mirrors',
      { out: '2w52jisx0v3yxvdk9y5qxpxc20qmnzcm-needs-mirrors' },
    ],
    [
      'an input with structured attributes',
      'needs-structured',
      { out: 'fx77m5mhw9f7vlibx09bnlc6a6b12zww-needs-structured' },
    ],
    ['derivations as sources', 'whole-closure', { out: 's87n68b95hvzmkghf9nkrw7f9m9h8dih-whole-closure' }],
    ['a fixed output by SHA-512', 'builtin', { out: 'lcndd1zwzga0gb2kpq8kwqhshgmy0sr9-builtin' }],
  ])('%s', (_, name, outputs) => {
    const expected = Object.entries(outputs).map(([output, base]) => [output, `/nix/store/${base}`])
    expect(outputsOf(results, derivationOfNix(name)[0])).toEqual(Object.fromEntries(expected))
  })

  test.each([
    ['md5', 'f2bl3j0zyjf269nn5ij5wdhcdi5xma5f'],
    ['r:md5', 'f75w6gxzg56jwacqp1sznfsp95dy8l8f'],
    ['sha1', 'bxjcyzjwwig8jbzp3005ky3w6py1cgqh'],
    ['r:sha1', 'p31gqlk01rm75hkfzq7jz6ifbr3d55ny'],
    ['sha256', 'gwscyx7nd67ics496d7d6447n2s6f232'],
    ['r:sha256', 'yq15z8zvws2s6mmvxf5sca3xbz3dchnp'],
    ['sha512', '259wihnvihwfkaq0kczbxahx2pv29gv5'],
    ['r:sha512', 'h78l3jba2cb5l32vc3562qm0cbm1mycm'],
  ])('a fixed output by %s', (hashAlgo, hash) => {
    const fixed = [...DERIVATIONS_OF_NIX].filter(
      ([path, bytes]) =>
        path.endsWith('-fixed.drv') && parseDerivation(bytes).outputs['out']?.hashAlgo === hashAlgo,
    )
    expect(fixed.length).toBe(2)
    for (const [path] of fixed) expect(outputsOf(results, path)).toEqual({ out: `/nix/store/${hash}-fixed` })
  })

  test('every derivation of the file', () => {
    let compared = 0
    for (const [path, bytes] of DERIVATIONS_OF_NIX) {
      const result = results.get(path)
      if (result === undefined || isUnsupported(result)) continue
      const declared = Object.entries(parseDerivation(bytes).outputs).map(([name, output]) => [
        name,
        output.path,
      ])
      expect(outputsOf(results, path)).toEqual(Object.fromEntries(declared))
      compared++
    }
    expect(results.size).toBe(65)
    expect(compared).toBe(56)
  })

  test('unsupported are these nine, each with its reason', () => {
    const reasons = [...results].flatMap(([path, result]) =>
      isUnsupported(result)
        ? [[path.slice(44), result.unsupported.replaceAll(/\/nix\/store\/\w{32}-/g, '')]]
        : [],
    )
    const needs = (reason: string): string => `deferred on ${reason}`
    expect(Object.fromEntries(reasons)).toEqual({
      'floating.drv': 'floating content-addressed',
      'textual.drv.drv': 'floating content-addressed',
      'impure.drv': 'impure',
      'dynamic.drv': 'dynamic derivation',
      'git.drv': 'fixed output with the hash git:sha1',
      'deferred.drv': needs('floating.drv, which is unsupported: floating content-addressed'),
      'needs-deferred.drv': needs('floating.drv, which is unsupported: floating content-addressed'),
      'needs-impure.drv': needs('impure.drv, which is unsupported: impure'),
      'needs-git.drv': needs('git.drv, which is unsupported: fixed output with the hash git:sha1'),
    })
  })
})

describe('refused is a derivation', () => {
  const other = '/nix/store/11111111111111111111111111111111-base'
  const [base] = Object.values(parseDerivation(derivationOfNix('base')[1]).outputs).map(({ path }) => path)

  test.each<[string, string, (text: string) => string, string]>([
    [
      'that declares another output path',
      'base',
      (text) => text.replaceAll(base ?? '', other),
      `and it declares ${other}`,
    ],
    [
      'whose builder would write somewhere else',
      'base',
      (text) => text.replace(`("out","${base}")`, `("out","${other}")`),
      `and its builder gets ${other}`,
    ],
    [
      'whose builder gets no output path',
      'sri',
      (text) => text.replace(/,\("out","[^"]*"\)(?=,\("outputHash)/, ''),
      'and its builder gets nothing',
    ],
    ['with another builder', 'base', (text) => text.replaceAll('/bin/sh', '/bin/zh'), 'and it declares'],
    [
      'with a fixed output at another path',
      'sri',
      (text) => text.replaceAll(/\/nix\/store\/\w{32}-/g, '/nix/store/11111111111111111111111111111111-'),
      'and it declares',
    ],
    [
      'with a fixed output and another',
      'sri',
      (text) => text.replace('],[],[]', ',("two","","r:sha256","00")],[],[]'),
      'is the only one',
    ],
    [
      'with a fixed output of another name',
      'sri',
      (text) => text.replaceAll('("out",', '("oct",'),
      `is called 'out'`,
    ],
    [
      'with a fixed output and an input-addressed one',
      'sri',
      (text) => text.replace('],[],[]', `,("two","${other}","","")],[],[]`),
      'fixed and input-addressed',
    ],
    [
      'with a hash that is too short',
      'sri',
      (text) => text.replace(/[0-9a-f]{64}/, 'abcd'),
      `'abcd' is no sha256`,
    ],
    [
      'with a hash that would be nix32',
      'sri',
      (text) => text.replace(/[0-9a-f]{64}/, '0'.repeat(52)),
      'is no sha256 in base16',
    ],
    [
      'without outputs',
      'base',
      (text) => text.replace(/^Derive\(\[.*?\]/, 'Derive(['.concat(']')),
      'it has no outputs',
    ],
    [
      'with an output that no path can be named for',
      'without-out',
      (text) => text.replace('("lib",', '("l/b",'),
      'is not a store path',
    ],
  ])('%s', (_, name, change, reason) => {
    const [path, text] = derivationOfNix(name)
    const changed = change(text)
    expect(changed).not.toBe(text)
    expect(() => recompute([[path, changed]])).toThrow(ForgedOutputs)
    expect(() => recompute([[path, changed]])).toThrow(reason)
  })

  test('that needs an output which its input has not', () => {
    const [path, text] = derivationOfNix('drv-path')
    const changed = text.replace('-base.drv",["out"]', '-base.drv",["lib"]')
    expect(() => recompute([derivationOfNix('base'), [path, changed]])).toThrow(ForgedOutputs)
    expect(() => recompute([derivationOfNix('base'), [path, changed]])).toThrow(`the output 'lib'`)
  })

  test('under another name', () => {
    const [path, text] = derivationOfNix('base')
    expect(() => recompute([[path.replace('-base', '-case'), text]])).toThrow('-case, and it declares')
  })

  test('under no name at all', () => {
    const [path, text] = derivationOfNix('base')
    expect(() => recompute([[path.replace('-base', '-'), text]])).toThrow(ForgedOutputs)
  })
})

describe('the closure', () => {
  test('must have every input', () => {
    const [path, text] = derivationOfNix('drv-path')
    expect(() => recompute([[path, text]])).toThrow(IncompleteClosure)
    expect(() => recompute([[path, text]])).toThrow(/-base\.drv is an input, and is not in the closure/)
  })

  test('may lack the inputs of a fixed output', () => {
    const [path, text] = derivationOfNix('fixed-on-floating')
    expect(outputsOf(recompute([[path, text]]), path)).toEqual(outputsOf(recompute(DERIVATIONS_OF_NIX), path))
  })

  test('must not be a circle', () => {
    const named = (name: string): string => `/nix/store/11111111111111111111111111111111-${name}.drv`
    const needs = (input: string): string =>
      `Derive([("out","","","")],[("${named(input)}",["out"])],[],"x","y",[],[])`
    const circle = [
      [named('a'), needs('b')],
      [named('b'), needs('c')],
      [named('c'), needs('a')],
    ] as const
    expect(() => recompute(circle)).toThrow(IncompleteClosure)
    expect(() => recompute([[named('a'), needs('a')]])).toThrow('needs itself')
  })

  test('may be 50,000 derivations deep', () => {
    const named = (level: number): string => `/nix/store/11111111111111111111111111111111-${level}.drv`
    const chain = Array.from({ length: 50_000 }, (_, level) => {
      const inputs = level === 0 ? '' : `("${named(level - 1)}",["out"])`
      const outputs = level === 0 ? '("out","","r:sha256","")' : '("out","","","")'
      return [named(level), `Derive([${outputs}],[${inputs}],[],"x","y",[],[])`] as const
    })
    const top = recompute(chain.toReversed()).get(parseStorePath(named(49_999)))
    expect(top).toEqual({
      unsupported: `deferred on ${named(0)}, which is unsupported: floating content-addressed`,
    })
  })
})
