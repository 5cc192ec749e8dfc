import type { StorePath } from '../../nix/store-path.ts'
import type { BuildId, RunId, System, Target } from './contract.ts'

/** What the state bucket remembers beyond one run. Every record carries the version of its format. */

/** `warmed/<repository>/<commit>.json`: this commit's shells that evaluate are all warm, under this configuration. */
export interface Warmed {
  version: 1
  /** the run whose plan says what the shells need */
  run: RunId
  wave: number
  /** SHA-256 of the configuration */
  config: string
}

/**
 * `evaluations/<identity>.json`: an evaluation that says the same whenever it is done again. What it left is the run's, and may be gone one day; another
 * version of it is not taken.
 */
export interface KnownEvaluation {
  version: 1
  run: RunId
  /** ETags of Plan's copies: of the evaluation itself, and of its graph and archive if it has any */
  evaluation: string
  graph?: string
  archive?: string
  /** attributes that do not evaluate: who asks for what failed to be tried again gets another evaluation */
  broken: number
}

/** `runs/<run>/inputs.json`: Publish has looked at what an evaluator staged of a flake's inputs. What it does not speak of is published. */
export interface PublishedInputs {
  version: 1
  /** of the evaluator */
  build: BuildId
  /** why they are not published */
  refused: Record<StorePath, string>
}

/** `roots/<repository>/<ref>/<shell>.json`: keeps one shell's warm set alive. */
export interface Root {
  version: 1
  target: Target
  attribute: string
  system: System
  /** what a developer's machine asks for first; everything they refer to is alive with them */
  paths: StorePath[]
  run: RunId
  /** ISO 8601; refreshed by every run, also when nothing was built */
  refreshed: string
}

/**
 * `refs/<repository>/deleted/<ref>.json`: GitHub has this branch or tag no more, and its roots expire. The record stays when the ref comes back: a run of it that was
 * started later than `since` is noted as its newest then, and the roots live again (`isAlive` of newest-run.ts). A root's own `refreshed` does not say it: a run that was
 * under way when the ref was deleted still refreshes roots.
 */
export interface DeletedRef {
  version: 1
  repository: string
  /** full ref */
  ref: string
  /** when the run that found it gone was started, ISO 8601 */
  since: string
  run: RunId
}

/** Staged bytes within a parcel of the build. */
export interface ParcelPart {
  /** the parcel's number */
  parcel: number
  /** of the parcel */
  etag: string
  /** where in the parcel they begin */
  start: number
  bytes: number
}

/** A path whose every word was proved from staged bytes: what its narinfo will say, and exactly which bytes may be copied. */
export interface PublishedPath {
  storePath: StorePath
  narHash: string
  narSize: number
  /** sorted */
  references: StorePath[]
  fileHash: string
  fileSize: number
  /** content address of a source */
  ca?: string
  /** of the staged NAR, whose key its FileHash gives, or of the parcel that it is in */
  etag: string
  /** where the staged NAR is, when it is no object by itself */
  part?: ParcelPart
  /** references that only an upstream has, by the upstream's URL */
  leansOn?: Record<string, StorePath[]>
}

/**
 * `published/<hash part>.json`: which build of a derivation stands. Written before anything of it is visible, and enough for anybody to finish what
 * a publisher began that died: what a builder says is not needed again.
 */
export interface Published {
  version: 1
  drvPath: StorePath
  outputs: Record<string, PublishedPath>
  /** sources that become visible with it, references before referrers */
  sources: PublishedPath[]
  /** SHA-256 of the paths and NarHashes of everything that it was built on */
  inputs: string
  run: RunId
  build: BuildId
  /** the staging prefix of that build */
  prefix: string
  /** where its log is: in a parcel, or nowhere; absent when it may be an object by itself */
  log?: ParcelPart | 'none'
  /** ISO 8601: when somebody last set out to finish it */
  begun: string
  /** A repair takes it out of clients' sight: nobody finishes it any more, and when nothing of it is visible another build may take its place. */
  withdrawn?: Withdrawn
}

export interface Withdrawn {
  /** the execution that does it */
  by: string
  /** ISO 8601 */
  since: string
}

/** `failures/<hash part of the .drv>.json`: a build that failed for a reason of its own, and would fail again. */
export interface RememberedFailure {
  version: 1
  drvPath: StorePath
  run: RunId
  message: string
  /** the end of its log */
  logTail: string[]
  /** ISO 8601 */
  failed: string
}

/** What everybody may know of one signing key; all dates are ISO 8601. */
export interface SigningKeyFacts {
  name: string
  /** `name:base64`, as in `trusted-public-keys` */
  publicKey: string
  created: string
  /** when a newer key began to sign beside it */
  rotated?: string
  /** when it stopped signing */
  retired?: string
}

/** `signing-keys.json`: the public side of the signing keys, those of the past too, oldest first. */
export interface SigningKeys {
  version: 1
  keys: SigningKeyFacts[]
  /** the execution that changes the keys at this moment: one at a time */
  change?: { execution: string; started: string }
}

/** `resigning.json`: how far the last pass over all narinfos is. Dates are ISO 8601. */
export interface Resigning {
  version: 1
  /** names of the keys whose signatures it adds */
  keys: string[]
  execution: string
  started: string
  updated: string
  /** since when every narinfo has the signatures of `keys` */
  completed?: string
  /** the same of the pass before with the same keys: it stands if this pass finds nothing to sign */
  completedBefore?: string
  /** the last key of the cache bucket that was looked at */
  after: string
  /** seconds of work, waiting not counted */
  seconds: number
  done: number
  signed: number
  /** narinfos in the cache: an estimate until the pass is complete */
  total: number
  /** narinfos that no signing key of ours has signed: they get no signature */
  foreign: number
  /** the first 100 of them */
  foreigners: { key: string; reason: string }[]
}
