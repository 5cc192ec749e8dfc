import { describe, expect, test } from 'vitest'
import { contentAddressOf, makeFixedOutputPath } from '../../../nix/content-address.ts'
import { parseHash } from '../../../nix/hash.ts'
import { NarContents } from '../../../nix/nar-contents.ts'
import { parseStorePath } from '../../../nix/store-path.ts'
import { fileNar } from './archive-bytes.ts'
import { directory, narOf, treeSource } from './nar-tree.ts'

const store = (base: string): string => `/nix/store/${base}`
const one = store('d0ibf2g0ma80rbdh6y65drimd1my2aag-one')
const textOne = store('0zqwpzqm4w9rspjdx7dn6dwjfn3biipc-one')
const textTwo = store('8w3ar0agz0291896vv49vgiwnzrfdy71-two')
const SELF_OLD = store('09wn7m1f6p9jwn2jfz17c3mldqfifnhx-self')
const SELF_NEW = store('k4byvzgz92iwya7bydhs8isda7jjj1wm-self')

/** All of a NAR, kept in memory or not. */
function contentsOf(nar: Uint8Array, maxKept = 1000): NarContents {
  const contents = new NarContents(maxKept)
  contents.take(nar)
  return contents
}

function address(
  path: string,
  nar: Uint8Array,
  references: string[] = [],
  maxKept?: number,
): string | undefined {
  return contentAddressOf(parseStorePath(path), references.map(parseStorePath), contentsOf(nar, maxKept))
}

// Paths and addresses are what Nix 2.8 gave: nix-store --add-fixed, builtins.toFile, nix store make-content-addressed.
const PROVED: [string, string, string, string[], string][] = [
  [
    'a file by MD5',
    '98c2zik4pxlla09hps3912d1pgmk1ndb-file',
    'content',
    [],
    'fixed:md5:2mhm62iw714pfq1d4vx6wn80ws',
  ],
  [
    'a file by SHA-1',
    '9si3qla9m5nv9255gydmz61zj3n0qcwd-file',
    'content',
    [],
    'fixed:sha1:r2n7inn562xgax078n6lg4j0fzyhc3q4',
  ],
  [
    'a file by SHA-256',
    'pzjaa9j3kwj0vv1cpz17a0jm7jximfaq-file',
    'content',
    [],
    'fixed:sha256:0wwzxjwrf8j3r4z6s0dnpl7p6i0lmhmq4z9m49gq9b7976s04w7d',
  ],
  [
    'a file by SHA-512',
    'bms3nz6lx9sa1jbiiqqi973jfn52pqkx-file',
    'content',
    [],
    'fixed:sha512:1zn2z7fhn5jwlbsjf0j8zfqdml91mh7bwzvbh64g6j4j3dn829hw4a85yb521przr89rmp507g3vza4gv1ljdnhi3wqb70rnn2x5ldj',
  ],
  [
    'a NAR by MD5',
    '972amkf5zld5m17gqsx8v0fwn4cn7b1k-file',
    'content',
    [],
    'fixed:r:md5:0h144hckrmx7l26vhb2bvx4fmv',
  ],
  [
    'a NAR by SHA-1',
    'bh9iklmbdrxgzkg8xw587frkh5cqhiah-file',
    'content',
    [],
    'fixed:r:sha1:lfpyjrzy0xwcqpawwqafjyikwq7zyjds',
  ],
  [
    'a NAR by SHA-256',
    'cn6ska2068jn1735f3qpbx4xjxpvilh6-file',
    'content',
    [],
    'fixed:r:sha256:11wa1rsi75lkqc5qnz4dglw9d2brxlcp849fg77rjlkzf7drynp2',
  ],
  [
    'a NAR by SHA-512',
    'cjvwang4x3pfv41j3md1n8cz0yzrd49d-file',
    'content',
    [],
    'fixed:r:sha512:1z7jrv20ciqwy6jjyrxwx016x26pxkhqnlg1gc1lhn16sszxzwxrhgzz93jzsa509qhr2v0d53487yjdjk61ym7320hs2j6pnrc1gb3',
  ],
  [
    'a NAR with a reference',
    'id3dwirab7vgaav5kakmh6qaadpn3qdl-refs',
    one,
    [one],
    'fixed:r:sha256:0ifq70ph707xl5fh0bkcjslac8wc64n0wpyhl8fs00hrmqi4f1n3',
  ],
  [
    'a text',
    '0zqwpzqm4w9rspjdx7dn6dwjfn3biipc-one',
    'content',
    [],
    'text:sha256:0wwzxjwrf8j3r4z6s0dnpl7p6i0lmhmq4z9m49gq9b7976s04w7d',
  ],
  [
    'a text with a reference',
    '8w3ar0agz0291896vv49vgiwnzrfdy71-two',
    `${textOne} and ${textOne}`,
    [textOne],
    'text:sha256:',
  ],
  [
    'a text with two references',
    'zqymdk6mdlcg8xr0f4mpig7hn134chry-three',
    `${textTwo} ${textOne}`,
    [textOne, textTwo],
    'text:sha256:',
  ],
]

describe('the address that Nix gave is found:', () => {
  test.each(PROVED)('%s', (_, base, file, references, expected) => {
    expect(address(store(base), fileNar(file), references)).toContain(expected)
    expect(address(store(base), fileNar(file), references.toReversed())).toContain(expected)
  })

  test.each(PROVED)('%s, when it streams by', (_, base, file, references, expected) => {
    expect(address(store(base), fileNar(file), references, 0)).toContain(expected)
  })

  test.each([
    ['2.8', SELF_OLD, 'fixed:r:sha256:16zdp70m2vdnr6bd92p7aw3n50zbsjil0hr1irjk8h4wlldb8wr6'],
    ['2.34', SELF_NEW, 'fixed:r:sha256:'],
  ])('a NAR that refers to itself, by Nix %s', (_, self, expected) => {
    const nar = fileNar(`${self} ${one} ${self}`)
    expect(address(self, nar, [one, self])).toContain(expected)
    expect(address(self, nar, [one])).toBeUndefined()
    expect(address(self, fileNar(`${self} ${one} ${self} `), [one, self])).toBeUndefined()
    // Its name is known only behind its end, when the bytes are gone.
    expect(address(self, nar, [one, self], 0)).toBeUndefined()
  })
})

describe('no address is found', () => {
  test.each<[string, string, Uint8Array, string[]]>([
    ['for an input-addressed path', store('dnpaam0fbd7fy3c2vszs6kxa5jv9jx90-base'), fileNar('content'), []],
    ['for other contents', store('cn6ska2068jn1735f3qpbx4xjxpvilh6-file'), fileNar('contend'), []],
    ['for another name', store('cn6ska2068jn1735f3qpbx4xjxpvilh6-life'), fileNar('content'), []],
    ['for a text with fewer references', textTwo, fileNar(`${textOne} and ${textOne}`), []],
    ['for a text with more references', textOne, fileNar('content'), [textTwo]],
    [
      'for a file with a reference',
      store('pzjaa9j3kwj0vv1cpz17a0jm7jximfaq-file'),
      fileNar('content'),
      [textOne],
    ],
    [
      'for a file with itself as reference',
      store('pzjaa9j3kwj0vv1cpz17a0jm7jximfaq-file'),
      fileNar('content'),
      [store('pzjaa9j3kwj0vv1cpz17a0jm7jximfaq-file')],
    ],
    [
      'for a file that is executable',
      store('pzjaa9j3kwj0vv1cpz17a0jm7jximfaq-file'),
      fileNar('content', true),
      [],
    ],
    ['for a text that is executable', textOne, fileNar('content', true), []],
    [
      'for a NAR by MD5 with a reference',
      store('972amkf5zld5m17gqsx8v0fwn4cn7b1k-file'),
      fileNar('content'),
      [textOne],
    ],
  ])('%s', (_, path, nar, references) => {
    expect(address(path, nar, references)).toBeUndefined()
    expect(address(path, nar, references, 0)).toBeUndefined()
  })

  test('for a file in a directory', async () => {
    const nar = await narOf(treeSource(directory({ file: Buffer.from('content') })))
    expect(address(store('pzjaa9j3kwj0vv1cpz17a0jm7jximfaq-file'), nar)).toBeUndefined()
    expect(contentsOf(nar).file()).toBeUndefined()
  })
})

test('whatever is kept and in whatever pieces, the hashes of a NAR are the same', () => {
  const nar = fileNar('x'.repeat(300))
  const whole = contentsOf(nar)
  for (const maxKept of [0, 50, 95, 96, 97, 200, nar.length - 1, nar.length])
    for (const piece of [1, 7, 64, 300]) {
      const contents = new NarContents(maxKept)
      for (let at = 0; at < nar.length; at += piece) contents.take(nar.subarray(at, at + piece))
      expect(contents.complete).toBe(true)
      expect(contents.size).toBe(nar.length)
      for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512'] as const) {
        expect(contents.hashNar(algorithm)).toEqual(whole.hashNar(algorithm))
        expect(contents.hashFile(algorithm)).toEqual(whole.hashFile(algorithm))
      }
      expect(contents.file()?.toString()).toBe(maxKept < nar.length ? undefined : 'x'.repeat(300))
    }
})

test('references are possible with the SHA-256 of a NAR only', () => {
  const references = { others: [parseStorePath(one)], self: false }
  const hash = parseHash('md5:9a0364b9e99bb480dd25e1f0284c8555')
  expect(() => makeFixedOutputPath('x', 'recursive', hash, references)).toThrow(TypeError)
})
