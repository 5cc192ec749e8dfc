import { MissingSetting } from './errors.ts'

/** What a build machine's environment tells the builder. */
export interface Settings {
  stateBucket: string
  stagingBucket: string
  cacheBucket: string
  sandbox: Sandbox
  /** zstd's level for NARs */
  zstdLevel: number
  /** how long a machine waits for its next job */
  idleSeconds: number
  /** how often the pipeline is told that a batch is still being built */
  heartbeatSeconds: number
  /** how long a machine builds at least before it says what others wait for, or asks for more */
  turnSeconds: number
}

/** Nix's own setting of that name. */
export type Sandbox = 'true' | 'relaxed' | 'false'

// Measured on bash, busybox and Perl's library, one core: level 3 leaves 25.5 % at 200 MB/s, level 6 leaves 23.3 % at 83 MB/s, level 9 leaves
// 22.3 % at 55 MB/s, level 19 leaves 19.6 % at 3 MB/s. A NAR is compressed once, then stored for months and downloaded by everybody.
const DEFAULT_ZSTD_LEVEL = 6

// 90 s: about what the start-up of a machine costs. Whoever waits as long as buying anew would cost pays at most twice what the best choice would have.
const DEFAULT_IDLE_SECONDS = 90

// 30 s: a machine that dies is missed after the few that HeartbeatSeconds allows.
const DEFAULT_HEARTBEAT_SECONDS = 30

// 20 s: with 40 s runs take 1 % longer, and each turn is some 25 of the 25,000 events that an execution has (docs/scheduling.md).
const DEFAULT_TURN_SECONDS = 20

/**
 * Reads HEARTH_STATE_BUCKET, HEARTH_STAGING_BUCKET, HEARTH_CACHE_BUCKET, and optionally HEARTH_SANDBOX (`true` by default), HEARTH_ZSTD_LEVEL (1 to 19),
 * HEARTH_IDLE_SECONDS, HEARTH_HEARTBEAT_SECONDS and HEARTH_TURN_SECONDS.
 * @throws MissingSetting which names the variable
 */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  return {
    stateBucket: required(environment, 'HEARTH_STATE_BUCKET', 'the name of the state bucket'),
    stagingBucket: required(environment, 'HEARTH_STAGING_BUCKET', 'the name of the staging bucket'),
    cacheBucket: readCacheBucket(environment),
    sandbox: readSandbox(environment['HEARTH_SANDBOX']),
    zstdLevel: readZstdLevel(environment['HEARTH_ZSTD_LEVEL']),
    idleSeconds: readSeconds(environment, 'HEARTH_IDLE_SECONDS', DEFAULT_IDLE_SECONDS),
    heartbeatSeconds: readSeconds(environment, 'HEARTH_HEARTBEAT_SECONDS', DEFAULT_HEARTBEAT_SECONDS),
    turnSeconds: readSeconds(environment, 'HEARTH_TURN_SECONDS', DEFAULT_TURN_SECONDS),
  }
}

/** HEARTH_JOB: the key of an evaluator's job file in the state bucket. */
export function readJobKey(environment: NodeJS.ProcessEnv): string {
  return required(environment, 'HEARTH_JOB', 'the key of the job file in the state bucket')
}

/**
 * HEARTH_TOKEN_FUNCTION, which gives evaluators a token of GitHub, and CODEBUILD_BUILD_ID, who this one is to it.
 * @returns undefined where there is no such function
 */
export function readTokenSettings(
  environment: NodeJS.ProcessEnv,
): { functionName: string; build: string } | undefined {
  const functionName = environment['HEARTH_TOKEN_FUNCTION']
  if (functionName === undefined || functionName === '') return undefined
  const build = required(environment, 'CODEBUILD_BUILD_ID', 'the id of the build that CodeBuild runs')
  return { functionName, build }
}

/** All that the bridge needs, so that a laptop sets nothing else. */
export function readCacheBucket(environment: NodeJS.ProcessEnv): string {
  return required(environment, 'HEARTH_CACHE_BUCKET', 'the name of the cache bucket')
}

function required(environment: NodeJS.ProcessEnv, name: string, meaning: string): string {
  const value = environment[name]
  if (value === undefined || value === '')
    throw new MissingSetting(`${name} is not set: it must hold ${meaning}`)
  return value
}

function readSandbox(value: string | undefined): Sandbox {
  if (value === undefined || value === '') return 'true'
  if (value === 'true' || value === 'relaxed' || value === 'false') return value
  throw new MissingSetting(`HEARTH_SANDBOX is '${value}', but must be true, relaxed or false`)
}

function readZstdLevel(value: string | undefined): number {
  if (value === undefined || value === '') return DEFAULT_ZSTD_LEVEL
  if (/^([1-9]|1[0-9])$/.test(value)) return Number(value)
  throw new MissingSetting(`HEARTH_ZSTD_LEVEL is '${value}', but must be a number from 1 to 19`)
}

function readSeconds(environment: NodeJS.ProcessEnv, name: string, otherwise: number): number {
  const value = environment[name]
  if (value === undefined || value === '') return otherwise
  if (/^[1-9]\d{0,4}$/.test(value)) return Number(value)
  throw new MissingSetting(`${name} is '${value}', but must be a number of seconds`)
}
