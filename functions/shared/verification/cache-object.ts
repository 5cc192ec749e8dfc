/** An object of the cache bucket, as its key tells. */
export type CacheObject =
  | { kind: 'info' }
  | { kind: 'narinfo'; hashPart: string }
  /** `fileHash`: the 52 nix32 digits of the SHA-256 of the compressed file */
  | { kind: 'nar'; fileHash: string }
  | { kind: 'log' }
  | { kind: 'foreign' }

const NIX32 = '[0-9abcdfghijklmnpqrsvwxyz]'
const NARINFO = new RegExp(`^(${NIX32}{32})\\.narinfo$`)
// 256 bits are 52 digits, and the first of them has one bit to tell.
const NAR = new RegExp(`^nar/([01]${NIX32}{51})\\.nar\\.zst$`)
const LOG = new RegExp(`^log/${NIX32}{32}-[0-9a-zA-Z+\\-._?=]{1,211}$`)

/** What an object must be by its key: `cacheKeys` of keys.ts, read backwards. */
export function cacheObjectOf(key: string): CacheObject {
  if (key === 'nix-cache-info') return { kind: 'info' }
  const hashPart = NARINFO.exec(key)?.[1]
  if (hashPart !== undefined) return { kind: 'narinfo', hashPart }
  const fileHash = NAR.exec(key)?.[1]
  if (fileHash !== undefined) return { kind: 'nar', fileHash }
  return LOG.test(key) ? { kind: 'log' } : { kind: 'foreign' }
}
