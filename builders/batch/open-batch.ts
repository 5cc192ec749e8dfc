import { stagingPrefixOfBatch } from '../../functions/shared/keys.ts'
import type { StorePath } from '../../nix/store-path.ts'
import { s3Until } from '../machine/aws-clients.ts'
import { WrongJob } from '../machine/errors.ts'
import { readBuildJob } from '../machine/job.ts'
import { LocalStore, type StoreUse } from '../machine/local-store.ts'
import { cleanEnvironment } from '../machine/nix-command.ts'
import { stoppedBy } from '../machine/processes.ts'
import { makeWorkFolder } from '../machine/work-folder.ts'
import type { Machine } from '../serve/machine.ts'
import type { PlannedDerivation } from './batch.ts'
import { BatchInHand } from './batch-in-hand.ts'
import type { BuildOrder } from './build-order.ts'
import type { HandSignals } from './hand-signals.ts'
import { prepareBatch, type PreparedBatch } from './prepare-batch.ts'
import type { Progress } from './progress.ts'

/** What a batch finds in the hand that it comes to. */
export interface HandParts {
  signals: HandSignals
  order: BuildOrder
  progress: Progress
  use: StoreUse
  onStaged: (derivation: PlannedDerivation) => void
}

/** A batch that can be built. */
export interface OpenedBatch {
  batch: BatchInHand
  prepared: PreparedBatch
}

/**
 * Makes a batch ready to be built.
 * @param key of its BuildJob in the state bucket
 * @throws ArchiveRefused, WrongJob and whatever else can be wrong with a batch as a whole; nothing of it is left then
 */
export async function openBatch(
  key: string,
  { clients, settings, id, memories }: Machine,
  { signals, order, progress, use, onStaged }: HandParts,
): Promise<OpenedBatch> {
  const folder = makeWorkFolder()
  try {
    signals.breakOff.throwIfAborted()
    const s3 = s3Until(signals.over, clients)
    const job = await readBuildJob({ s3, bucket: settings.stateBucket, key })
    const twice = job.derivations.find(({ drvPath }) => order.isOpen(drvPath))
    if (twice !== undefined)
      throw new WrongJob(`${key} builds ${twice.drvPath}, which this machine has in hand already`)
    const environment = cleanEnvironment(folder.home, process.env)
    const store = new LocalStore(environment)
    const memory = memories.of(job.run)
    const isInHand = (drvPath: StorePath): boolean => order.has(drvPath)
    const tools = { s3, store, environment, memory, folder: folder.path, say: progress.say, isInHand, use }
    const prepared = await stoppedBy(signals.breakOff, async () =>
      prepareBatch(job, { ...settings, ...tools }),
    )
    const prefix = stagingPrefixOfBatch(id, job.run, job.batch)
    const staging = { s3, bucket: settings.stagingBucket, prefix }
    const { zstdLevel } = settings
    const parts = { store, staging, folder, environment, zstdLevel, built: memory.built, progress, onStaged }
    return { batch: new BatchInHand(prepared, parts), prepared }
  } catch (error) {
    folder.remove()
    throw error
  }
}
