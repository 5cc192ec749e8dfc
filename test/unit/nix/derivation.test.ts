import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  derivationNameOf,
  hasKnownOutputPaths,
  InvalidDerivation,
  isFixedOutput,
  parseDerivation,
} from '../../../nix/derivation.ts'
import { parseStorePath, type StorePath } from '../../../nix/store-path.ts'
import { anyStorePath } from './arbitrary.ts'

const OUT = '/nix/store/0c0shqn0wxsigmb6l7i4lkdg1mx6vlqp-hello-2.12'
const DEV = '/nix/store/1a1nfp9zjcwp8ag2j2m3wm9xkf4kfw6z-hello-2.12-dev'
const BASH = '/nix/store/2b2s0rl1n5k3dq3cwm4r8zh7l5kp5xpx-bash-5.2.drv'
const SOURCE = '/nix/store/3c3s0rl1n5k3dq3cwm4r8zh7l5kp5xpx-builder.sh'

const HELLO =
  `Derive([("dev","${DEV}","",""),("out","${OUT}","","")],[("${BASH}",["dev","out"])],["${SOURCE}"],` +
  `"x86_64-linux","/bin/sh",["-e","${SOURCE}"],[("empty",""),("name","hello-2.12"),("script","echo \\"a\\\\b\\"\\n\\t\\r"),("ünicode","→")])`

describe('parseDerivation', () => {
  test.each([
    ['text', HELLO],
    ['bytes', Buffer.from(HELLO)],
    ['a part of a larger buffer', Buffer.from(`xx${HELLO}xx`).subarray(2, -2)],
  ])('reads every field of %s', (_, file) => {
    const drv = parseDerivation(file)
    expect(drv.outputs).toEqual({
      dev: { path: DEV, hashAlgo: '', hash: '' },
      out: { path: OUT, hashAlgo: '', hash: '' },
    })
    expect([...drv.inputDrvs]).toEqual([[BASH, ['dev', 'out']]])
    expect(drv.inputSrcs).toEqual([SOURCE])
    expect(drv.system).toBe('x86_64-linux')
    expect(drv.builder).toBe('/bin/sh')
    expect(drv.args).toEqual(['-e', SOURCE])
    expect([...drv.env]).toEqual([
      ['empty', ''],
      ['name', 'hello-2.12'],
      ['script', 'echo "a\\b"\n\t\r'],
      ['ünicode', '→'],
    ])
  })

  test.each([
    ['an escaped quote at the end', '"a\\""', 'a"'],
    ['an escaped backslash at the end', '"a\\\\"', 'a\\'],
    ['an escaped backslash before a quote', '"\\\\\\""', '\\"'],
    ['an escape that stands for itself', '"\\x\\$"', 'x$'],
    ['a backslash in a later string only', '"a","b\\n"', 'a'],
    ['brackets and commas', '"],(\'[,"', `],('[,`],
  ])('unescapes %s', (_, literal, value) => {
    expect(parseDerivation(`Derive([],[],[],"","",[${literal}],[])`).args[0]).toBe(value)
  })

  test('names that every object has are ordinary names', () => {
    const drv = parseDerivation('Derive([],[],[],"","",[],[("__proto__","a"),("constructor","b")])')
    expect([...drv.env]).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ])
    expect(drv.env.get('__proto__')).toBe('a')
    expect(drv.env.get('toString')).toBeUndefined()
  })

  test.each([
    [
      'in a value',
      [
        ['a', '("b","c")'],
        ['b', 'd'],
      ],
    ],
    [
      'at the end of a value',
      [
        ['a', '('],
        ['b', 'd'],
      ],
    ],
    [
      'at the end of a value, escaped',
      [
        ['a', '\\('],
        ['b', 'd'],
      ],
    ],
    [
      'as the beginning of a name',
      [
        ['bb', 'x'],
        ['bbb', 'y'],
      ],
    ],
    ['in arguments', []],
  ] satisfies [string, [string, string][]][])('a variable is not taken for what stands %s', (_, env) => {
    const args = ['("b","c")', '(', '[("b","c"']
    const drv = parseDerivation(unparse({ ...NOTHING, args, env }))
    expect(drv.env.get('b')).toBe(new Map(env).get('b'))
    expect([...drv.env]).toEqual(env)
  })

  test.each(['', ',', ')', '("', 'ä', 'a b', '(a'])('a variable may be called %j', (name) => {
    const env: [string, string][] = [[name, `the value of ${name}`]]
    expect(parseDerivation(unparse({ ...NOTHING, env })).env.get(name)).toBe(`the value of ${name}`)
    expect(
      parseDerivation(unparse({ ...NOTHING, env: [['z', `("${name}","`]] })).env.get(name),
    ).toBeUndefined()
  })

  test('variables are in the order of bytes, which is not that of UTF-16', () => {
    const env: [string, string][] = [
      ['\u{ffff}', ''],
      ['\u{10000}', ''],
    ]
    expect([...parseDerivation(unparse({ ...NOTHING, env })).env]).toEqual(env)
  })

  test('a byte that is no UTF-8 becomes U+FFFD, and survives when the file is decoded as latin1', () => {
    const file = Buffer.from('Derive([],[],[],"","",["\xff"],[])', 'latin1')
    expect(parseDerivation(file).args).toEqual(['\ufffd'])
    expect(parseDerivation(file.toString('latin1')).args).toEqual(['\xff'])
  })

  test.each([
    ['nothing', '', 0],
    ['another term', 'Drv([])', 0],
    ['a list that is cut short', 'Derive([("out"', 14],
    ['a string without an end', 'Derive([],[],[],"x86', 16],
    ['a string that ends in a backslash', 'Derive([],[],[],"x\\"', 16],
    ['a comma too many', 'Derive([],[],[],"","",["a",],[])', 27],
    ['white space', 'Derive([], [],[],"","",[],[])', 9],
    ['something behind it', `${HELLO}\n`, HELLO.length],
    ['an output that is no store path', 'Derive([("out","/tmp/x","","")],[],[],"","",[],[])', 15],
    ['an input that is no store path', 'Derive([],[("x.drv",["out"])],[],"","",[],[])', 12],
    ['a source that is no store path', 'Derive([],[],[""],"","",[],[])', 14],
    ['the same output twice', `Derive([("out","","",""),("out","","","")],[],[],"","",[],[])`, 26],
    ['the same input twice', `Derive([],[("${BASH}",["out"]),("${BASH}",["out"])],[],"","",[],[])`, 81],
    ['the same variable twice', 'Derive([],[],[],"","",[],[("a",""),("a","")])', 36],
    ['variables out of order', 'Derive([],[],[],"","",[],[("b",""),("a","")])', 36],
    ['a variable that is written with a needless escape', 'Derive([],[],[],"","",[],[("\\out","")])', 27],
    ['a variable without a value', 'Derive([],[],[],"","",[],[("b")])', 30],
    ['a dynamic derivation', 'DrvWithVersion("xp-dyn-drv",[],[],[],"","",[],[])', 0],
  ])('refuses %s and says where', (_, text, offset) => {
    expect(() => parseDerivation(text)).toThrow(InvalidDerivation)
    expect(() => parseDerivation(text)).toThrow(expect.objectContaining({ offset }))
  })

  test('any derivation comes back', () => {
    const anyName = fc.string({ unit: 'binary', maxLength: 12 })
    const anyDerivation = fc.record({
      outputs: fc.dictionary(anyName, fc.record({ path: anyStorePath, hashAlgo: anyName, hash: anyName }), {
        maxKeys: 3,
      }),
      inputDrvs: fc.uniqueArray(fc.tuple(anyStorePath, fc.array(anyName, { maxLength: 3 })), {
        selector: ([path]) => path,
      }),
      inputSrcs: fc.array(anyStorePath, { maxLength: 3 }),
      system: anyName,
      builder: anyName,
      args: fc.array(anyName, { maxLength: 5 }),
      env: fc.uniqueArray(fc.tuple(anyName, anyName), { selector: ([name]) => name }).map(sortByBytes),
    })
    fc.assert(
      fc.property(anyDerivation, (drv) => {
        const parsed = parseDerivation(unparse(drv))
        expect({ ...parsed, inputDrvs: [...parsed.inputDrvs], env: [...parsed.env] }).toEqual(drv)
        for (const [name, value] of drv.env) expect(parsed.env.get(name)).toBe(value)
      }),
    )
  })

  test('whatever is cut out of one, the answer is a derivation or InvalidDerivation', () => {
    const position = fc.nat({ max: HELLO.length })
    fc.assert(
      fc.property(position, position, (a, b) => {
        try {
          parseDerivation(HELLO.slice(0, Math.min(a, b)) + HELLO.slice(Math.max(a, b)))
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidDerivation)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

test.each([
  ['/nix/store/0c0shqn0wxsigmb6l7i4lkdg1mx6vlqp-hello-2.12.drv', 'hello-2.12'],
  ['/nix/store/0c0shqn0wxsigmb6l7i4lkdg1mx6vlqp-a.drv.drv', 'a.drv'],
  ['/nix/store/0c0shqn0wxsigmb6l7i4lkdg1mx6vlqp-hello', 'hello'],
])('the name of the derivation at %s is %s', (path, name) => {
  expect(derivationNameOf(parseStorePath(path))).toBe(name)
})

describe('outputs', () => {
  test.each([
    ['input-addressed', [['out', OUT, '', '']], { fixed: false, known: true }],
    ['fixed, flat', [['out', OUT, 'sha256', 'ba78']], { fixed: true, known: true }],
    ['fixed, recursive', [['out', OUT, 'r:sha256', 'ba78']], { fixed: true, known: true }],
    ['floating content-addressed', [['out', '', 'r:sha256', '']], { fixed: false, known: false }],
    [
      'deferred, because an input is content-addressed',
      [['out', '', '', '']],
      { fixed: false, known: false },
    ],
    ['impure', [['out', '', 'r:sha256', 'impure']], { fixed: false, known: false }],
    [
      'two, of which one is deferred',
      [
        ['dev', DEV, '', ''],
        ['out', '', '', ''],
      ],
      { fixed: false, known: false },
    ],
  ])('%s', (_, outputs, expected) => {
    const terms = outputs.map((fields) => `(${fields.map((field) => `"${field}"`).join()})`)
    const drv = parseDerivation(`Derive([${terms.join()}],[],[],"","",[],[])`)
    expect({ fixed: isFixedOutput(drv), known: hasKnownOutputPaths(drv) }).toEqual(expected)
  })
})

const NOTHING: Unparsed = {
  outputs: {},
  inputDrvs: [],
  inputSrcs: [],
  system: '',
  builder: '',
  args: [],
  env: [],
}

interface Unparsed {
  outputs: Record<string, { path: StorePath; hashAlgo: string; hash: string }>
  inputDrvs: [StorePath, string[]][]
  inputSrcs: StorePath[]
  system: string
  builder: string
  args: string[]
  env: [string, string][]
}

/** In the order in which Nix keeps names. */
function sortByBytes(variables: [string, string][]): [string, string][] {
  return variables.toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

/** Writes the ATerm, with every string escaped as Nix's `printString` does. */
function unparse(drv: Unparsed): string {
  const outputs = Object.entries(drv.outputs).map(
    ([name, { path, hashAlgo, hash }]) => `(${[name, path, hashAlgo, hash].map(quote).join()})`,
  )
  const inputs = drv.inputDrvs.map(([path, names]) => `(${quote(path)},${list(names)})`)
  const env = drv.env.map(([name, value]) => `(${quote(name)},${quote(value)})`)
  const lists = [outputs, inputs, drv.inputSrcs.map(quote)].map((items) => `[${items.join()}]`)
  return `Derive(${lists.join()},${quote(drv.system)},${quote(drv.builder)},${list(drv.args)},[${env.join()}])`
}

function list(strings: string[]): string {
  return `[${strings.map(quote).join()}]`
}

function quote(text: string): string {
  const escapes: Record<string, string> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
  return `"${text.replaceAll(/["\\\n\r\t]/g, (character) => escapes[character] ?? '')}"`
}
