import type { ArchivedSource } from '../../nix/archive-verification.ts'
import type { FixedOutput } from '../../nix/fixed-output.ts'
import type { ReferenceRules } from '../../nix/reference-rules.ts'
import type { StorePath } from '../../nix/store-path.ts'

/**
 * What the states of `statemachines/warm.asl.json` hand to each other. Small things travel in the payload (256 KiB at most); everything
 * that grows with the graph lives in a bucket and travels as its key (`keys.ts`).
 */

/** The name of the execution: one run of the `warm` state machine for one target. */
export type RunId = string
/** `<wave>-<system>-<slot>-<number>`: the number counts what a lane has taken, from 1. */
export type BatchId = string
/** key of a `BuildJob` in the state bucket */
export type BatchJobKey = string
/** A Nix system, such as `x86_64-linux`. */
export type System = string
/** The id that CodeBuild gives a build, `<project>:<uuid>`; it names the builder's staging prefix. */
export type BuildId = string
/** Who a builder is to IAM, `<role id>:<role session name>` (`aws:userid`); it names what the builder may read and write. */
export type MachineId = string

/**
 * Why a run was started: a push to a ref, its deletion, `Re-run` on GitHub's page of a check, the schedule (which also starts what webhooks lost), or a
 * person.
 */
export type Trigger = 'push' | 'delete' | 'rerun' | 'schedule' | 'hand'

/** What starts an execution: pasted by hand, sent by the webhook, or by the schedule. */
export interface RunInput {
  trigger: Trigger
  /** `owner/name`, as configured in hearth.yml */
  repository: string
  /** full ref, `refs/heads/main` or `refs/tags/v1` */
  ref: string
  /** the commit to warm; the head of `ref` when absent */
  commit?: string
  /** GitHub's delivery id, to follow one push through all logs */
  delivery?: string
  /** build again what failed before for a reason of its own */
  retryFailed?: boolean
  /** these instead of what hearth.yml names: the commit does not count as warm then */
  attributes?: string[]
}

/**
 * The two kinds of token that Hearth asks GitHub for: `report` may write checks and statuses, `contents` may read what is in the repository. Each is for
 * one repository.
 */
export type TokenKind = 'report' | 'contents'

/** What the token function is asked. */
export interface TokenRequest {
  kind: TokenKind
  /** `owner/name` */
  repository: string
}

/** What it answers: no token where nobody has given Hearth credentials. Never part of a state's output, a log or a record. */
export interface TokenAnswer {
  token?: string
  /** ISO 8601; absent when it does not expire by itself */
  expires?: string
  /** whether it is a GitHub App's: nobody else may write check runs */
  isApp: boolean
}

/** What `hearth github` asks the token function: what there is, and what it opens. It is never answered with a token. */
export interface AccessQuestion {
  kind: 'look'
  /** `owner/name` of hearth.yml, a private input too; only the credentials are looked at when absent */
  repository?: string | undefined
}

/** What it answers. */
export interface AccessAnswer {
  credentials: 'app' | 'token' | 'none'
  /** where GitHub has to send its deliveries */
  webhook: string
  repository?: RepositoryAccessAnswer
}

export interface RepositoryAccessAnswer {
  /** whether its contents can be read */
  reads: boolean
  /** whether statuses can be written, and with an App check runs */
  reports: boolean
  /** what is missing, in sentences */
  faults: string[]
}

/** What an evaluator asks the evaluation-token function. */
export interface EvaluationTokenRequest {
  build: BuildId
  /** 32 hexadecimal digits: the name of an object that it has just staged below `token/`, and names once */
  nonce: string
}

/** What it answers. */
export interface EvaluationTokenAnswer extends TokenAnswer {
  /** what the token can read, `owner/name`: the target, and those of its private inputs that are there */
  repositories: string[]
  /** private inputs of hearth.yml that no token can be had for */
  unreachable: { repository: string; why: string }[]
}

/** What `hearth keys` asks the `keys` state machine for: its execution's input. Publish does it; nobody else touches a key. */
export type KeyChange =
  /** @param name of the first key; the deployment's name and `-1` when absent */
  | { change: 'create'; name?: string | undefined }
  | { change: 'rotate' }
  /** @param rate narinfos written in a second */
  | { change: 'resign'; rate: number }
  /** @param force although clients may still need it */
  | { change: 'retire'; name: string; force: boolean }

/** What Publish answers: `wait` and `again` are for the state machine, `done` is the execution's output. */
export type KeyAnswer =
  | { verdict: 'wait'; until: string }
  | { verdict: 'again' }
  | { verdict: 'done'; change: KeyChange['change'] }

export interface Target {
  repository: string
  ref: string
  /** 40 hexadecimal digits */
  commit: string
}

/** A cache that clients use besides ours, with the keys that make its narinfos believable. */
export interface Upstream {
  url: string
  publicKeys: string[]
}

/** What an evaluator is asked to do; written by Resolve, read by the builder. */
export interface EvaluationJob {
  kind: 'evaluate'
  run: RunId
  target: Target
  /** where git fetches the commit from */
  source: string
  /**
   * attribute paths of a flake, with or without the system in them (`devShells`, `packages.hello`, `packages.x86_64-linux.hello`), and files with or without an
   * attribute path (`shell.nix`, `default.nix#tools.hello`); `devShells` by default
   */
  attributes: string[]
  systems: System[]
  limits: { secondsPerSystem: number; megabytes: number }
  /** the public keys of our own cache: what an evaluation imports is fetched with a signature, like everything else */
  publicKeys?: string[]
  upstreams?: Upstream[]
  /** whether the sources of the flake's locked inputs are kept warm, too */
  flakeInputs?: boolean
  /** SHA-256 of the configuration that this run uses, whatever is pushed meanwhile */
  config: string
  /** build again what failed before for a reason of its own */
  retryFailed?: boolean
  /** when the run's execution was started, ISO 8601 */
  started?: string
  /** names what its evaluation follows from (`evaluation-identity.ts`) */
  identity?: string
  /** the run that has warmed this very commit under this configuration, if one has */
  warmedBy?: RunId
  /** `attributes` are not those of hearth.yml: roots are written for them, and the commit does not count as warm */
  isPartial?: true
}

/** Derivation -> the outputs of it that are meant. */
export type DerivationOutputs = Record<StorePath, string[]>

/**
 * What evaluating an attribute gave: its derivation, what is wrong with it, or what it needs before it can go on: outputs that it imports
 * (import-from-derivation) and that no cache has. They are to be built and published like everything else, and then it is evaluated again.
 *
 * `imported` is what evaluating needed and got, also before it was found to need more: a laptop needs it, too. What attributes of one system share is
 * imported once, so it may name imports of others that were evaluated before it.
 *
 * `isPassing`: what is wrong is the network's or the machine's, as far as one knows: another evaluation may get further.
 */
export type ShellStatus =
  | { drvPath: StorePath; imported?: DerivationOutputs }
  | { needs: DerivationOutputs; imported?: DerivationOutputs }
  | { error: string; isPassing?: true }
/** One attribute to keep warm, or a set of them that cannot be listed, and what evaluating it gave. */
export type EvaluatedShell = { attribute: string; system: System } & ShellStatus

/** What an evaluator leaves in its staging prefix as `evaluation.json`. */
export interface Evaluation {
  version: 1
  run: RunId
  target: Target
  nixVersion: string
  shells: EvaluatedShell[]
  /** set when the source as a whole gave nothing to warm: then there are no shells and no archive */
  error?: { name: string; message: string }
  /** `archive.zst` beside it: `nix-store --export` of every `.drv` and source, zstd; absent when there is nothing to build or to keep */
  archive?: { sha256: string; bytes: number }
  /** the sources of the flake's locked inputs, which are in the archive; only when the job asks for them */
  flakeInputs?: StorePath[]
  /** what its flake.lock pins of nixpkgs: the inputs of the flake itself first, then those of its inputs */
  pins?: NixpkgsPin[]
  /** only in Plan's own copy */
  round?: EvaluationRound
}

/** A locked input that is nixpkgs, or is called so. Nobody vouches for it: the lock is the repository's, and the evaluator read it. */
export interface NixpkgsPin {
  /** its name, behind those of the inputs that it belongs to: `nixpkgs`, `haskellNix/nixpkgs-unstable` */
  input: string
  /** `NixOS/nixpkgs`; absent when it is no repository of GitHub */
  repository?: string
  /** the branch or tag that it follows, such as `nixos-24.05`; absent when the flake names none */
  ref?: string
  rev?: string
  /** of the locked revision, seconds since 1970 */
  lastModified?: number
}

/** A run evaluates again after it has published what an evaluation lacked. */
export interface EvaluationRound {
  /** from 1 */
  number: number
  /** which build of the evaluator gave this evaluation */
  build: BuildId
  /** what the round before lacked, by attribute and system */
  neededBefore: Record<string, DerivationOutputs>
}

/** One derivation of the graph, as read from its `.drv` file; its output paths are recomputed. */
export interface GraphDerivation {
  name: string
  system: System
  outputs: Record<string, StorePath>
  /** derivation -> the outputs of it that are used */
  inputDrvs: Record<StorePath, string[]>
  inputSrcs: StorePath[]
  requiredSystemFeatures: string[]
  /** false: clients build it themselves even when it is cached */
  allowSubstitutes: boolean
  /** what its one output must hash to, when it is a fixed-output derivation */
  fixedOutput?: FixedOutput
  /** what its outputs may refer to, when it says so */
  referenceRules?: ReferenceRules
  /** why Hearth cannot build it, in the field's words; absent when it can */
  unsupported?: string
}

/** Every derivation reachable from a target's shells, as Plan proved it from the evaluation's archive. */
export interface Graph {
  version: 1
  derivations: Record<StorePath, GraphDerivation>
  /** sources whose content address was proved; what an output refers to of them is published with it */
  sources: Record<StorePath, ArchivedSource>
}

/** One builder at a time of a system: a run has as many lanes of a system as it may use machines of it. */
export interface Lane {
  system: System
  /** from 1 */
  slot: number
}

/** Everything that is missing and can be built; written by Plan, read by Take. */
export interface Schedule {
  version: 1
  run: RunId
  wave: number
  /** inputs before what needs them */
  derivations: ScheduledDerivation[]
}

/** A schedule with what Take needs besides: `runs/<run>/schedules/<wave>.json.zst`. */
export interface WaveSchedule extends Schedule {
  target: Target
  /** when the run's execution was started, ISO 8601 */
  started?: string
  /** what every job of the wave says alike */
  job: Pick<BuildJob, 'archive' | 'upstreams' | 'publicKeys' | 'maxNarSize'>
  machines: Record<System, ScheduledMachines>
}

/** The machines that a wave may use of one system. */
export interface ScheduledMachines {
  lanes: number
  /** derivations that one machine builds at once */
  slots: number
  /** how long the run waits until one of these machines shows that it is there; absent where they are started when they are needed */
  waitHours?: number
}

/** A missing derivation. Others of the schedule are named by their position in it. */
export interface ScheduledDerivation {
  drvPath: StorePath
  /** of the machine that builds it: Plan has chosen one for what any machine can build */
  system: System
  outputs: Record<string, StorePath>
  /** the output paths it is built from that caches hold already */
  inputs: StorePath[]
  /** what makes the others that it is built from */
  needs: number[]
  /**
   * Those of `needs` that must be in a cache before it can begin: they are built on another system, or make a path that it knows by another
   * derivation's name. The rest may be in the same batch.
   */
  needsPublished: number[]
  /** how long its build is expected to take */
  seconds: number
  /** the longest path in seconds from its start to the end of the last that needs it: what is to begin first */
  path: number
}

/** What one machine builds in one go; written by Take, read by the builder and by Publish. */
export interface BuildJob {
  kind: 'build'
  run: RunId
  wave: number
  batch: BatchId
  system: System
  /** Plan's copy of the evaluation's export archive: a key of the state bucket, pinned by its hash */
  archive: { key: string; sha256: string }
  derivations: BatchDerivation[]
  upstreams: Upstream[]
  /** the public keys of our own cache */
  publicKeys: string[]
  /** the most bytes that one NAR may have, whatever its narinfo declares */
  maxNarSize: number
}

export interface BatchDerivation {
  drvPath: StorePath
  outputs: Record<string, StorePath>
  /** the output paths it needs that caches have */
  inputs: StorePath[]
  /** derivations that it needs of this batch, or of earlier ones that the same machine has in hand */
  needs: StorePath[]
  /** the longest path in seconds from its start to the end of the last that needs it: what is to begin first */
  path: number
  /** whether something outside of this batch waits for it */
  isAwaited: boolean
}

/** One shell in a plan: what it needs, and how it stands. */
export interface PlannedShell {
  attribute: string
  system: System
  /** the warm set's paths; empty for a shell that does not evaluate */
  paths: StorePath[]
  status: 'warm' | 'cold' | 'failed'
  /** why it failed */
  reason?: string
  /** the derivations to blame */
  blame?: StorePath[]
}

/**
 * `build`: there is work for lanes. `done`: every shell that evaluates is warm. `stuck`: something is missing, and nothing that is missing can
 * be built. `inputs`: what the evaluator staged of the flake's inputs is to be published, and then Plan looks again. `evaluate`: what evaluations import has come, and they can go on. `superseded`: a newer commit of the same ref is being warmed.
 */
export type PlanVerdict = 'build' | 'inputs' | 'evaluate' | 'done' | 'stuck' | 'superseded'

/** `runs/<run>/plans/<wave>.json`: what Plan saw and decided; read by the next wave, by Record and by Report. */
export interface WavePlan {
  version: 1
  run: RunId
  wave: number
  verdict: PlanVerdict
  target: Target
  /** SHA-256 of the configuration */
  config: string
  shells: PlannedShell[]
  /** machines that work at once; none unless the verdict is `build` */
  lanes: Lane[]
  derivations: { graph: number; missing: number; scheduled: number }
}

/** How a lane's machine comes to its work: CodeBuild starts it for the lane, or it is there anyway and polls an activity. */
export type MachineKind = 'codebuild' | 'activity'

/**
 * What Take answers a lane. `look`: something has changed, look again. `over`: nothing is left for this lane.
 */
export type TakeAnswer =
  | {
      verdict: 'build'
      system: System
      kind: MachineKind
      /** the batches that the lane's machine has in hand, the new one last: Publish looks at all of them */
      hand: BatchId[]
      /** a new batch; when there is none, the machine goes on with what it has */
      given?: { batch: BatchId; job: BatchJobKey }
      /** the lane's machine, if it had one, has gone or is not to be used again */
      isFresh: boolean
    }
  | { verdict: 'look' }
  | { verdict: 'over' }

/** `runs/<run>/parked/<system>-<slot>/<since>-<id>.json`: a lane that waits until something is ready for it; the last one counts. */
export interface ParkedLane {
  version: 1
  lane: Lane
  /** Step Functions' task token: whoever has it can wake the lane */
  token: string
  /** ISO 8601 */
  since: string
  /** how much had been said of the run's derivations when it found nothing */
  seen: number
  waits: LaneWait[]
}

/** What a lane waits for: its own run's builders, another run that builds the same, or a machine. */
export type LaneWait =
  | { for: 'run'; run: RunId; derivations: StorePath[] }
  | { for: 'machine'; system: System }

/** `claims/<hash part of the first output>.json`: who builds a derivation at this moment. Void when its batch has an outcome, or its execution has ended. */
export interface Claim {
  version: 1
  drvPath: StorePath
  run: RunId
  batch: BatchId
  /** ISO 8601 */
  claimed: string
}

/**
 * `jobs/<machine>/<turn>.json`: what a machine is to do next. Its turns begin with 1; the next one comes after its answer to the one before. Its answer goes
 * to the task token: success with a `BuildAnswer`, or the name of what went wrong.
 */
export type MachineJob =
  | {
      version: 1
      /** Step Functions' task token, to answer with */
      token: string
      /** to be built beside what it has in hand */
      job: BatchJobKey
    }
  /** nothing new: it goes on with what it has in hand, and answers when there is something to publish */
  | { version: 1; token: string; goOn: true }
  /** only to say that it is there */
  | { version: 1; token: string; hello: true }
  | { version: 1; end: true }

/** `runs/<run>/machines/<batch>.json`: which machine was given a batch. */
export interface BatchMachine {
  version: 1
  machine: MachineId
  build: BuildId
}

/** What an activity hands to a Mac worker. */
export interface WorkerTask {
  run: RunId
  job: BatchJobKey
}

/** What a machine answers when everything that it has in hand is staged, or when something is that others wait for, or when it could do more. */
export interface BuildAnswer {
  machine: MachineId
  /** whether nothing is left in hand: what was not staged by then will not be */
  isDone: boolean
  /** what it is building at this moment, and for how many seconds. Only a hint: what follows from it is how much more it is given */
  building: { drvPath: StorePath; seconds: number }[]
}

/** `workers/<system>/<machine>.json`: a Mac's sign of life, written every minute. */
export interface WorkerSign {
  version: 1
  /** ISO 8601 */
  at: string
  systems: System[]
  features: string[]
  /** batches at once, of each system; 0 when it takes no more */
  jobs: number
  /** batches at this moment */
  busy: number
}

/** What a builder says of one derivation: `results/<drv base name>.json` in its staging prefix. */
export type DerivationResult = { version: 1; drvPath: StorePath } & (
  | {
      status: 'built'
      /** wall time of the build in seconds */
      seconds: number
      /** NarHash of every path in the closure of its inputs, as the builder had them */
      inputs: Record<StorePath, string>
      /** whether its log was staged; one that does not say may have one */
      log?: boolean
    }
  | { status: 'failed'; message: string; logTail: string[] }
  | { status: 'dependency-failed'; because: StorePath[] }
  | { status: 'input-missing'; missing: StorePath[] }
)

/** What became of one derivation of a batch; written by Publish, read by Plan, Record and Report. */
export interface DerivationOutcome {
  drvPath: StorePath
  outcome:
    | 'published'
    | 'already-published'
    | 'not-reproducible'
    | 'refused'
    | 'failed'
    | 'dependency-failed'
    | 'input-missing'
    | 'lost'
  error?: { name: string; message: string; retryable: boolean }
  /** wall time of the build in seconds */
  seconds?: number
  /** compressed bytes added to the cache */
  bytes?: number
  logTail?: string[]
  /** of a build that was discarded because another one stands: which outputs differ */
  differences?: OutputDifference[]
}

/** What became of one derivation in the end, in a run's summary. */
export interface RunOutcome extends DerivationOutcome {
  /** of the machine that was to build it */
  system: System
}

/** An output that two builds of one derivation made differently. */
export interface OutputDifference {
  storePath: StorePath
  /** NarHash of the build that stands */
  published: string
  /** NarHash of this one */
  built: string
}

/** `runs/<run>/outcomes/<batch>.json` */
export interface BatchOutcome {
  version: 1
  run: RunId
  wave: number
  batch: BatchId
  system: System
  /** whose staging prefix was read; null when no builder was ever there */
  machine: MachineId | null
  /** when this was said, ISO 8601 */
  said: string
  derivations: DerivationOutcome[]
}

/** What Publish answers: `again` when its time ran out, and it must be called once more for the rest of the batch. */
export interface PublishAnswer {
  verdict: 'again' | 'done'
}

export type RunVerdict = 'done' | 'stuck' | 'superseded' | 'unchanged' | 'ignored' | 'failed'

/** `runs/<run>/standing.json`: how shells stand while lanes work; written whenever a lane is over. */
export interface RunStanding {
  version: 1
  run: RunId
  wave: number
  shells: (Pick<PlannedShell, 'attribute' | 'system' | 'status'> & {
    /** derivations of its warm set that are still to come */
    missing: number
  })[]
}

/**
 * `runs/<run>/downloads.json`: what a new laptop downloads for each shell that evaluates, and from where; how much of that was there before the run (`docs/hit-rate.md`).
 * Where a path is in several caches, the one counts that a Nix client prefers.
 */
export interface RunDownloads {
  version: 1
  run: RunId
  shells: ShellDownloads[]
}

export interface ShellDownloads {
  attribute: string
  system: System
  /** of the whole closure of its warm set, in the order in which a client asks them; none that has nothing of it */
  sources: DownloadSource[]
  /** paths of which nobody could say in time where they are, or how large; what only they refer to is not counted */
  unknown: number
  /** paths that no cache has: none of a shell that is warm; what only they refer to is not counted */
  missing: number
  /** of the paths in our cache those that this run built, with the sources that came with them: the others were there before */
  builtPaths: number
  /** derivations that this run built for it: what makes its warm set, and what that is built with */
  built: number
  /** what these builds took together, in seconds of one machine */
  buildSeconds: number
  /** what would save builds the next time, in a sentence or two */
  hint?: string
}

export interface DownloadSource {
  /** `cache`, or an upstream's URL */
  source: string
  paths: number
  /** compressed, as they are downloaded (FileSize) */
  bytes: number
}

/** `runs/<run>/summary.json`: how a run ended, for people and for `hearth run show`. */
export interface RunSummary {
  version: 1
  run: RunId
  verdict: RunVerdict
  trigger?: Trigger
  target?: Partial<Target>
  /** why there was nothing to do */
  reason?: string
  error?: { name: string; message: string }
  shells: Omit<PlannedShell, 'paths'>[]
  derivations: {
    /** in the graph */
    total: number
    /** planned, and started on a builder */
    planned: number
    built: number
    published: number
    failed: number
    /** built, and discarded because another build with other bytes stands: `outcomes` says which outputs differ */
    notReproducible: number
    /** in a cache already, or needed by nothing that is missing */
    skipped: number
  }
  outcomes: RunOutcome[]
  /** compressed bytes added to the cache */
  bytesAdded: number
  /** waves of builds */
  waves: number
}
