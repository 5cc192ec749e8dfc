import type { SFNClient } from '@aws-sdk/client-sfn'
import type { StorePath } from '../../nix/store-path.ts'
import { findInCache } from '../shared/caches.ts'
import type {
  BatchId,
  BuildJob,
  Lane,
  LaneWait,
  RunId,
  Schedule,
  ScheduledDerivation,
  TakeAnswer,
  WavePlan,
} from '../shared/contract.ts'
import { stateKeys } from '../shared/keys.ts'
import { supersededBy } from '../shared/newest-run.ts'
import { type Bucket, claimJson, findJson, readJson } from '../shared/objects.ts'
import { readBatches, type TriedBatch } from '../shared/run-files.ts'
import { readSchedule } from '../shared/schedule-file.ts'
import { chooseBatch, readyBeside } from './choose-batch.ts'
import { claimBatch } from './claim-batch.ts'
import { findMachine } from './mac-workers.ts'
import { noteFound, readFound } from './found.ts'
import { park, unpark, wake } from './parked-lanes.ts'
import { leftOf, progressOf, type Progress } from './progress.ts'

/** A lane that asks for work. */
export interface TakeRequest {
  run: RunId
  lane: Lane & { wave: number }
  /** how many batches it has taken before */
  taken: number
  /** its machine: a CodeBuild build, or nothing when it has none */
  machine: string
}

export interface TakeParts {
  state: Bucket
  cache: Bucket
  sfn: SFNClient
  /** to be woken by */
  token: string
  isRunning: (run: RunId) => Promise<boolean>
  clock: () => Date
}
