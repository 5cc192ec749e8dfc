/**
 * What can be wrong with a cache bucket, by name; docs/verify.md says of each what a client would notice.
 * - `malformed-narinfo`: it does not parse, or has more than 1 MiB
 * - `wrong-key`: its key is not the hash part of its StorePath, so it answers for another path
 * - `unsigned`: no current key of ours signed it
 * - `wrong-url`: its URL, Compression, FileHash and FileSize are not those of a NAR of ours
 * - `nar-missing`, `nar-size`: its NAR is not there, or has another size than FileSize
 * - `nar-bytes`: its NAR's bytes are not what FileHash, NarHash and NarSize say, or are no NAR
 * - `nar-references`: its NAR contains other references than it declares
 * - `closure-incomplete`: something it refers to is neither here nor in a declared upstream
 * - `outputs-apart`: another output of its build was moved out of sight, and outputs of one build stay together
 * - `upstream-unavailable`: an upstream that may have what it refers to did not answer
 * - `orphan-nar`: a NAR that no narinfo names, older than an hour
 * - `foreign-object`: an object that Hearth never writes
 * - `cache-info`: nix-cache-info is missing or wrong
 */
export type FaultName = (typeof FAULT_NAMES)[number]

export const FAULT_NAMES = [
  'malformed-narinfo',
  'wrong-key',
  'unsigned',
  'wrong-url',
  'nar-missing',
  'nar-size',
  'nar-bytes',
  'nar-references',
  'closure-incomplete',
  'outputs-apart',
  'upstream-unavailable',
  'orphan-nar',
  'foreign-object',
  'cache-info',
] as const

/** One thing that is wrong. */
export interface Fault {
  fault: FaultName
  /** the object that is at fault, a key of the cache bucket */
  key: string
  /** what was found, and what should have been */
  detail: string
}

/** Faults that a repair can take out of clients' sight, because they are a narinfo's own. */
export const REPAIRABLE: ReadonlySet<FaultName> = new Set<FaultName>([
  'malformed-narinfo',
  'wrong-key',
  'unsigned',
  'wrong-url',
  'nar-missing',
  'nar-size',
  'nar-bytes',
  'nar-references',
  'closure-incomplete',
  'outputs-apart',
])
