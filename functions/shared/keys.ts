import type { BatchId, BuildId, Lane, MachineId, RunId, System } from './contract.ts'

/**
 * Every key of every bucket, in one place.
 *
 * Cache bucket (Nix clients read it; the layout is Nix's own):
 *   nix-cache-info, <hash part>.narinfo, nar/<FileHash>.nar.zst, log/<drv base name>
 *
 * Staging bucket (no Nix client reads it), one prefix per role session, which is a machine:
 *   staging/<role id>:<role session name>/… of an evaluator, staging/<role id>:<role session name>/<run>/<batch>/… of a builder
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
  /** below it an evaluator stages sources of a flake's inputs, as builders stage outputs: all that Publish reads of an evaluator */
  inputs: (prefix: string): string => `${prefix}inputs/`,
  /** with which an evaluator proves to `evaluation-token` that it is this build. @param nonce 32 hexadecimal digits, used once */
  tokenRequest: (prefix: string, nonce: string): string => `${prefix}token/${nonce}`,
  /** what a machine says now and then of the batch that it builds; each time a new object */
  progress: (prefix: string): string => `${prefix}progress/`,
  results: (prefix: string): string => `${prefix}results/`,
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
 * Who a CodeBuild build is. CodeBuild assumes its service role with the session name `AWSCodeBuild-<uuid of the build>`.
 * @param roleId the role's unique id (`AROA…`), from CloudFormation's `!GetAtt Role.RoleId`
 */
export function machineOfBuild(roleId: string, buildId: BuildId): MachineId {
  return `${roleId}:AWSCodeBuild-${buildId.slice(buildId.indexOf(':') + 1)}`
}

/** The staging prefix of one CodeBuild build. */
export function stagingPrefixOfBuild(roleId: string, buildId: BuildId): string {
  return stagingPrefix(machineOfBuild(roleId, buildId))
}

/** Below its own prefix a machine keeps batches apart: it may build a derivation twice, and overwrites nothing. */
export function stagingPrefixOfBatch(machine: MachineId, run: RunId, batch: BatchId): string {
  return `${stagingPrefix(machine)}${run}/${batch}/`
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
  /** what became of a flake's inputs */
  inputs: (run: RunId): string => `runs/${run}/inputs.json`,
  plan: (run: RunId, wave: number): string => `runs/${run}/plans/${wave}.json`,
  schedule: (run: RunId, wave: number): string => `runs/${run}/schedules/${wave}.json.zst`,
  schedules: (run: RunId): string => `runs/${run}/schedules/`,
  batches: (run: RunId): string => `runs/${run}/batches/`,
  batch: (run: RunId, batch: BatchId): string => `runs/${run}/batches/${batch}.json`,
  batchMachine: (run: RunId, batch: BatchId): string => `runs/${run}/machines/${batch}.json`,
  outcomes: (run: RunId): string => `runs/${run}/outcomes/`,
  outcome: (run: RunId, batch: BatchId): string => `runs/${run}/outcomes/${batch}.json`,
  /** what other runs published while this one waited for it: parts of a list, each named by the hash part of its first derivation */
  founds: (run: RunId): string => `runs/${run}/found/`,
  found: (run: RunId, wave: number, hashPart: string): string => `runs/${run}/found/${wave}/${hashPart}.json`,
  /** a system of which no machine came in time */
  givenUps: (run: RunId): string => `runs/${run}/given-up/`,
  givenUp: (run: RunId, system: System): string => `runs/${run}/given-up/${system}.json`,
  parkedLanes: (run: RunId): string => `runs/${run}/parked/`,
  parkedTokens: (run: RunId, { system, slot }: Lane): string => `runs/${run}/parked/${system}-${slot}/`,
  /**
   * @param since when it began to wait, ISO 8601
   * @param id of its token: each question of a lane has one of its own
   */
  parkedLane: (run: RunId, { system, slot }: Lane, since: string, id: string): string =>
    `runs/${run}/parked/${system}-${slot}/${since}-${id}.json`,
  /** runs that wait for what this one builds */
  waitingRuns: (run: RunId): string => `runs/${run}/waiting/`,
  waitingRun: (run: RunId, waiting: RunId): string => `runs/${run}/waiting/${waiting}`,
  log: (run: RunId, drvBaseName: string): string => `runs/${run}/logs/${drvBaseName}`,
  summary: (run: RunId): string => `runs/${run}/summary.json`,
  standing: (run: RunId): string => `runs/${run}/standing.json`,
  downloads: (run: RunId): string => `runs/${run}/downloads.json`,
  /** what GitHub was told of a run */
  gitHubTold: (run: RunId): string => `runs/${run}/github.json`,
  /** when GitHub may be called again about a repository */
  gitHubPace: (repository: string): string => `github/pace/${repository}.json`,
  batchMachines: (run: RunId): string => `runs/${run}/machines/`,
  /** which run is the newest of a ref */
  newestRun: (repository: string, ref: string): string =>
    `refs/${repository}/${encodeURIComponent(ref)}.json`,
  /** below it every record of a repository's refs */
  refs: (repository: string): string => `refs/${repository}/`,
  /** in a folder of its own: `main.deleted` is the name of a branch */
  deletedRef: (repository: string, ref: string): string =>
    `refs/${repository}/deleted/${encodeURIComponent(ref)}.json`,
  /** signs of life of machines that nobody starts */
  workers: (system: System): string => `workers/${system}/`,
  workerSign: (system: System, machine: MachineId): string => `workers/${system}/${machine}.json`,
  /** a derivation whose build failed, and will fail again, keyed by the hash part of its `.drv` */
  failures: 'failures/',
  failure: (hashPart: string): string => `failures/${hashPart}.json`,
  /** an evaluation that says the same whenever it is done again */
  knownEvaluation: (identity: string): string => `evaluations/${identity}.json`,
  /** what a commit was warmed with */
  warmed: (repository: string, commit: string): string => `warmed/${repository}/${commit}.json`,
  /** one record per derivation, keyed by the hash part of its first output path: which bytes are published */
  published: (hashPart: string): string => `published/${hashPart}.json`,
  /** who builds a derivation, keyed by the hash part of its first output path */
  claim: (hashPart: string): string => `claims/${hashPart}.json`,
  /** which token an evaluator was given: what makes a nonce good for one only */
  evaluationToken: (machine: MachineId, nonce: string): string => `tokens/${machine}/${nonce}.json`,
  /** what a machine is to do; `turn` counts from 1 */
  machineJob: (machine: MachineId, turn: number): string => `jobs/${machine}/${turn}.json`,
  /**
   * what an upstream was found to have
   * @param id of its URL and keys
   * @param digit the first of the hash parts
   */
  upstream: (id: string, digit: string): string => `upstreams/${id}/${digit}.json.zst`,
  /**
   * where paths are, how large, and what they refer to
   * @param digit the first of the hash parts
   */
  pathFacts: (digit: string): string => `path-facts/${digit}.json.zst`,
  /** where the paths of the shells of one repository, or of all, came from: an object for each day (UTC) */
  hits: (repository?: string): string => (repository === undefined ? 'hits/' : `hits/${repository}/`),
  /** @param day `2026-11-23` */
  hitsOfDay: (repository: string, day: string): string => `hits/${repository}/${day}.json.zst`,
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
  /** how long builds took, by package */
  timings: 'timings.json.zst',
}
