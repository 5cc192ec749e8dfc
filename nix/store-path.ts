/** The store directory of every binary cache that Hearth serves. Another one gives other hashes: nothing could be shared. */
export const STORE_DIR = '/nix/store'

declare const storePath: unique symbol
/** A valid, absolute store path without anything behind its name: `/nix/store/<32 nix32 digits>-<name>`. Made by `parseStorePath` alone. */
export type StorePath = string & { readonly [storePath]: true }

/** Text that Nix would not accept as a store path. */
export class InvalidStorePath extends Error {
  override name = 'InvalidStorePath'
  constructor(text: string, reason: string) {
    const shown = text.length > 300 ? `${text.slice(0, 300)}…` : text
    super(`${JSON.stringify(shown)} is not a store path: ${reason}`)
  }
}

const HASH_LENGTH = 32
const PREFIX_LENGTH = STORE_DIR.length + 1
const NAME_START = PREFIX_LENGTH + HASH_LENGTH + 1
// 255, the longest file name, less the hash, its dash, and what `.lock`, `.chroot` and `.check` beside it need. Source: Nix, `StorePath::MaxPathLen`.
const MAX_NAME_LENGTH = 211

const BASE_NAME = /^[0-9abcdfghijklmnpqrsvwxyz]{32}-[0-9a-zA-Z+\-._?=]{1,211}$/

/**
 * Parses an absolute store path. The name has 1 to 211 characters out of `0-9 a-z A-Z + - . _ ? =`. A leading dot is allowed, but the part before the
 * first dash must not be `.` or `..`: the rule of Nix since 2.21 (pull request 9867; before, 2.4 to 2.18 took every leading dot, and 2.19.0 refused
 * them all). Nix takes any character between hash and name; the dash is required here, because every writer writes it.
 * Source: Nix, src/libstore/path.cc, `checkName` and `StorePath::StorePath`.
 * @throws InvalidStorePath which says what is wrong
 */
export function parseStorePath(text: string): StorePath {
  if (isStorePath(text)) return text
  if (!text.startsWith(`${STORE_DIR}/`))
    throw new InvalidStorePath(text, `it does not begin with ${STORE_DIR}/`)
  throw new InvalidStorePath(text, whatIsWrong(text.slice(PREFIX_LENGTH)))
}

/** Whether `parseStorePath` accepts it. */
export function isStorePath(text: string): text is StorePath {
  return text.startsWith(`${STORE_DIR}/`) && isBaseName(text.slice(PREFIX_LENGTH))
}

/**
 * The store path of a base name, `<hash>-<name>`, as narinfos and Nix's newer JSON write it.
 * @throws InvalidStorePath which says what is wrong
 */
export function fromBaseName(base: string): StorePath {
  return parseStorePath(`${STORE_DIR}/${base}`)
}

/** `<hash>-<name>`. */
export function baseNameOf(path: StorePath): string {
  return path.slice(PREFIX_LENGTH)
}

/** The 32 nix32 digits that name a path's narinfo, and that a reference scan looks for. */
export function hashPartOf(path: StorePath): string {
  return path.slice(PREFIX_LENGTH, PREFIX_LENGTH + HASH_LENGTH)
}

/** What follows the hash and its dash, such as `hello-2.12` or `hello-2.12.drv`. */
export function nameOf(path: StorePath): string {
  return path.slice(NAME_START)
}

function isBaseName(base: string): boolean {
  return (
    BASE_NAME.test(base) &&
    (base.charCodeAt(HASH_LENGTH + 1) !== 0x2e || !startsWithDots(base.slice(HASH_LENGTH + 1)))
  )
}

/** Whether the first dash-separated part of a name is `.` or `..`, which a path in a URL or a shell would not survive. */
function startsWithDots(name: string): boolean {
  const [first] = name.split('-', 1)
  return first === '.' || first === '..'
}

function whatIsWrong(base: string): string {
  const hash = base.slice(0, HASH_LENGTH)
  if (base.length < HASH_LENGTH + 2) return 'it is too short for a hash, a dash and a name'
  if (!/^[0-9abcdfghijklmnpqrsvwxyz]*$/.test(hash)) return `'${hash}' is not 32 digits of nix32`
  if (base[HASH_LENGTH] !== '-') return 'a dash must follow the 32 characters of its hash'
  const name = base.slice(HASH_LENGTH + 1)
  if (name.includes('/')) return `something follows its name: give the store path itself`
  if (name.length > MAX_NAME_LENGTH)
    return `its name has ${name.length} characters, and ${MAX_NAME_LENGTH} are allowed`
  if (startsWithDots(name)) return `the first part of its name must not be '.' or '..'`
  const illegal = /[^0-9a-zA-Z+\-._?=]/u.exec(name)?.[0] ?? ''
  return `its name contains ${JSON.stringify(illegal)}`
}
