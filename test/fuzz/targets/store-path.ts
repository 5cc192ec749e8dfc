import {
  fromBaseName,
  hashPartOf,
  InvalidStorePath,
  nameOf,
  parseStorePath,
} from '../../../nix/store-path.ts'
import { must, type Target, taken } from '../target.ts'

const DIGITS = '0123456789abcdfghijklmnpqrsvwxyz'
const NAME = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-._?='

/** Store paths: taken if and only if Nix's rule, written once more here character by character, allows them. */
export function storePathTarget(parse: typeof parseStorePath = parseStorePath): Target {
  return {
    name: 'store-path',
    mutate: (bytes, random) => {
      const text = bytes.toString('latin1')
      const [hash, name] = [text.slice(11, 43), text.slice(44)]
      return Buffer.from(
        random.pick([
          `/nix/store/${hash}-${random.pick(['.', '..', '...', '.-', '..-x', '.x', '..x', '-', '--'])}`,
          `/nix/store/${hash}-${random.pick(['.', '..', '-', ''])}${name}`,
          `/nix/store/${hash}-${'x'.repeat(205 + random.below(10))}`,
          `/nix/store/${hash}${random.pick(['', '_', '/', '--', '\n'])}${name}`,
          `/nix/store/${hash}-${name}${random.pick(['/', '/bin', '\n', '\0', ' ', '.drv', '!out', '^out', '%2f'])}`,
          `${random.pick(['', '/nix/store', '//nix/store/', '/nix//store/', '/nix/store//', '/gnu/store/'])}${hash}-${name}`,
          `/nix/store/${hash.slice(1)}${random.pick('eotuEA.'.split(''))}-${name}`,
          `/nix/store/${hash}-${name
            .split('')
            .map((each) => (random.oneIn(4) ? random.pick(`${NAME}~@`.split('')) : each))
            .join('')}`,
        ]),
        'latin1',
      )
    },
    check(input) {
      const text = input.toString('utf8')
      const path = taken(() => parse(text), [InvalidStorePath])
      must((path !== undefined) === isAllowed(text), `Nix ${isAllowed(text) ? 'allows' : 'refuses'} it`)
      if (path === undefined) return false
      must(text === `/nix/store/${hashPartOf(path)}-${nameOf(path)}`, 'other parts')
      must(fromBaseName(text.slice('/nix/store/'.length)) === path, 'another path by its base name')
      return true
    },
  }
}

function isAllowed(text: string): boolean {
  const [empty, nix, store, base = '', ...rest] = text.split('/')
  const name = base.slice(33)
  const [first] = name.split('-')
  return (
    empty === '' &&
    nix === 'nix' &&
    store === 'store' &&
    rest.length === 0 &&
    base
      .slice(0, 32)
      .split('')
      .every((digit) => DIGITS.includes(digit)) &&
    base[32] === '-' &&
    name.length >= 1 &&
    name.length <= 211 &&
    name.split('').every((character) => NAME.includes(character)) &&
    first !== '.' &&
    first !== '..'
  )
}
