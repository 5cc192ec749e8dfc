import type {
  BatchDerivation,
  BatchOutcome,
  BuildJob,
  DerivationOutcome,
} from '../../../functions/shared/contract.ts'
import { parseBatchId } from '../../../functions/shared/batch-id.ts'
import { drv, out } from './graphs.ts'

/** Whether trying again can help is a property of the error, decided where it is known: see publish/refusals.ts and publish/not-built.ts. */
const RETRYABLE: Record<DerivationOutcome['outcome'], boolean | undefined> = {
  published: undefined,
  'already-published': undefined,
  failed: false,
  refused: false,
  'dependency-failed': false,
  'not-reproducible': true,
  'input-missing': true,
  lost: true,
}

/** A derivation of a batch that anybody can tell by its name. */
export function batchDerivation(name: string, needs: string[] = []): BatchDerivation {
  return {
    drvPath: drv(name),
    outputs: { out: out(name) },
    inputs: [],
    needs: needs.map(drv),
    path: 1,
    isAwaited: false,
  }
}

/** The job of a batch; its id says the wave and the system. */
export function jobOf(run: string, batch: string, derivations: BatchDerivation[]): BuildJob {
  const { wave, lane } = parseBatchId(batch)
  return {
    kind: 'build',
    run,
    wave,
    batch,
    system: lane.system,
    archive: { key: 'archive', sha256: '' },
    derivations,
    upstreams: [],
    publicKeys: [],
    maxNarSize: 1e9,
  }
}

/** What Publish says of a batch. */
export function outcomeOf(run: string, batch: string, derivations: DerivationOutcome[]): BatchOutcome {
  const { wave, lane } = parseBatchId(batch)
  return {
    version: 1,
    run,
    wave,
    batch,
    system: lane.system,
    said: '2026-03-12T18:00:00.000Z',
    machine: 'AROABUILDER:AWSCodeBuild-1',
    derivations,
  }
}

/** What Publish says of one derivation, with the error that belongs to it. */
export function became(
  drvPath: DerivationOutcome['drvPath'],
  outcome: DerivationOutcome['outcome'],
): DerivationOutcome {
  const retryable = RETRYABLE[outcome]
  return {
    drvPath,
    outcome,
    ...(retryable === undefined ? {} : { error: { name: 'Error', message: `${outcome}!`, retryable } }),
  }
}
