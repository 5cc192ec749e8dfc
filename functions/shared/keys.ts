import type { BuildId, RunId, System } from './contract.ts'

/**
 * Every key of every bucket, in one place.
 *
 * Cache bucket (Nix clients read it; the layout is Nix's own):
 *   nix-cache-info, <hash part>.narinfo, nar/<FileHash>.nar.zst, log/<drv base name>
 *
 * Staging bucket (no Nix client reads it), one prefix per build:
 *   staging/<role id>:<role session name>/…
 *
 * State bucket: everything else. There is no database.
 */

export const cacheKeys = {
  info: 'nix-cache-info',
  narinfo: (hashPart: string): string => `${hashPart}.narinfo`,
  /** @param fileHash nix32 digits of the SHA-256 of the compressed file */
  nar: (fileHash: string): string => `nar/${fileHash}.nar.zst`,
  log: (drvBaseName: string): string => `log/${drvBaseName}`,
}

/** Below a build's own staging prefix. */
export const stagedKeys = {
  evaluation: (prefix: string): string => `${prefix}evaluation.json`,
  archive: (prefix: string): string => `${prefix}archive.zst`,
  result: (prefix: string, drvBaseName: string): string => `${prefix}results/${drvBaseName}.json`,
  narinfo: (prefix: string, hashPart: string): string => `${prefix}${hashPart}.narinfo`,
  nar: (prefix: string, fileHash: string): string => `${prefix}nar/${fileHash}.nar.zst`,
  log: (prefix: string, drvBaseName: string): string => `${prefix}log/${drvBaseName}`,
  /** small ones of all these together (`parcel.ts`); numbers from 0 on, without a gap */
  parcel: (prefix: string, number: number): string => `${prefix}parcels/${number}`,
}

/**
 * The prefix that a builder's role may write: `staging/${aws:userid}/`. For an assumed role aws:userid is `<role id>:<session name>`.
 * Source: IAM user guide, "Policy variables", table of principal key values.
 */
export function stagingPrefix(userId: string): string {
  return `staging/${userId}/`
}

/**
 * The staging prefix of one CodeBuild build. CodeBuild assumes its service role with the session name `AWSCodeBuild-<uuid of the build>`.
 * @param roleId the builder role's unique id (`AROA…`), from CloudFormation's `!GetAtt Role.RoleId`
 */
export function stagingPrefixOfBuild(roleId: string, buildId: BuildId): string {
  return stagingPrefix(`${roleId}:AWSCodeBuild-${buildId.slice(buildId.indexOf(':') + 1)}`)
}

export const stateKeys = {
  /** the configuration that the next run uses: a copy of one of the versions below */
  currentConfig: 'config/current.json',
  config: (sha256: string): string => `config/${sha256}.json`,
  builderBundle: (sha256: string): string => `builders/${sha256}.zip`,
  run: (run: RunId): string => `runs/${run}/`,
  /** what Resolve asks an evaluator to do */
  job: (run: RunId): string => `runs/${run}/job.json`,
  /** Plan's own copies of what the evaluator staged: builders and later waves read these, never an evaluator's prefix */
  evaluation: (run: RunId): string => `runs/${run}/plans/evaluation.json`,
  graph: (run: RunId): string => `runs/${run}/graph.json.zst`,
  archive: (run: RunId): string => `runs/${run}/archive.zst`,
  batch: (run: RunId, wave: number, system: System): string => `runs/${run}/batches/${wave}-${system}.json`,
  plan: (run: RunId, wave: number): string => `runs/${run}/plans/${wave}.json`,
  outcome: (run: RunId, wave: number, system: System): string =>
    `runs/${run}/outcomes/${wave}-${system}.json`,
  log: (run: RunId, drvBaseName: string): string => `runs/${run}/logs/${drvBaseName}`,
  summary: (run: RunId): string => `runs/${run}/summary.json`,
  /** what a commit was warmed with */
  warmed: (repository: string, commit: string): string => `warmed/${repository}/${commit}.json`,
  /** one record per derivation, keyed by the hash part of its first output path: which bytes are published */
  published: (hashPart: string): string => `published/${hashPart}.json`,
  /**
   * what an upstream was found to have
   * @param id of its URL and keys
   * @param digit the first of the hash parts
   */
  upstream: (id: string, digit: string): string => `upstreams/${id}/${digit}.json.zst`,
  /** what our cache holds: `docs/index.md`. The names below are in the order in which they must be listed. */
  index: 'index/',
  /** hash parts whose narinfos were about to be deleted */
  indexGone: (id: string): string => `index/gone/${id}.zst`,
  /** hash parts whose narinfos were visible */
  indexHeld: (id: string): string => `index/held/${id}.zst`,
  /** what both were made into */
  indexPaths: 'index/paths.zst',
  root: (repository: string, ref: string, shell: string): string =>
    `roots/${repository}/${encodeURIComponent(ref)}/${encodeURIComponent(shell)}.json`,
  /** the public side of the signing keys; the secret side is in Secrets Manager alone */
  signingKeys: 'signing-keys.json',
  resigning: 'resigning.json',
  /** a narinfo that `hearth verify --repair` took out of clients' sight, under its key of the cache bucket */
  quarantined: (cacheKey: string): string => `quarantine/${cacheKey}`,
  timings: (packageName: string): string => `timings/${encodeURIComponent(packageName)}.json`,
}
