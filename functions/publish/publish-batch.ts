import pLimit from 'p-limit'
import { baseNameOf, type StorePath } from '../../nix/store-path.ts'
import type { BatchDerivation, DerivationOutcome } from '../shared/contract.ts'
import { describeError, HearthError } from '../shared/errors.ts'
import { keepLog } from './logs.ts'
import type { Publication } from './publication.ts'
import { publishDerivation } from './publish-derivation.ts'
import { NotReproducible } from './refusals.ts'
import { findStagedResult, type StagedResult } from './staged-result.ts'

// 4 NARs are unpacked at once: one keeps a core busy, the others wait for S3; each takes some 20 MiB.
const AT_ONCE = 4

/**
 * Publishes what one build staged, each derivation after those of its batch that it needs, and says of every derivation what became of it.
 * @param lost what to say of a derivation of which the builder said nothing
 */
export async function publishBatch(
  publication: Publication,
  derivations: BatchDerivation[],
  lost: string,
): Promise<DerivationOutcome[]> {
  const limit = pLimit(AT_ONCE)
  const finished = new Map<StorePath, Promise<DerivationOutcome>>()
  // Plan lists inputs before what needs them, so every promise that is awaited here exists already.
  for (const { drvPath, needs } of derivations) {
    const before = needs.flatMap((need) => finished.get(need) ?? [])
    finished.set(
      drvPath,
      Promise.all(before).then(() => limit(() => publishOne(publication, drvPath, lost))),
    )
  }
  return Promise.all(finished.values())
}

async function publishOne(
  publication: Publication,
  drvPath: StorePath,
  lost: string,
): Promise<DerivationOutcome> {
  try {
    const result = await findStagedResult(publication.staging, publication.prefix, drvPath)
    if (result === undefined)
      return { drvPath, outcome: 'lost', error: { name: 'BuilderLost', message: lost, retryable: true } }
    if (result.status !== 'built') return await notBuilt(publication, drvPath, result)
    return {
      drvPath,
      seconds: result.seconds,
      ...(await publishDerivation(publication, drvPath, result.inputs)),
    }
  } catch (error) {
    // What is wrong with this derivation must not stop the others; anything else is Publish's own failure, and the state is run again.
    if (!(error instanceof HearthError) || error.name === 'UpstreamUnavailable') throw error
    return {
      drvPath,
      outcome: error instanceof NotReproducible ? 'not-reproducible' : 'refused',
      error: { ...describeError(error), retryable: error.retryable },
    }
  }
}

async function notBuilt(
  publication: Publication,
  drvPath: StorePath,
  result: Exclude<StagedResult, { status: 'built' }>,
): Promise<DerivationOutcome> {
  switch (result.status) {
    case 'failed':
      await keepLog(publication, baseNameOf(drvPath))
      return {
        drvPath,
        outcome: 'failed',
        error: { name: 'BuildFailed', message: result.message, retryable: false },
        logTail: result.logTail,
      }
    case 'dependency-failed':
      return {
        drvPath,
        outcome: 'dependency-failed',
        error: {
          name: 'DependencyFailed',
          message: `it needs ${result.because.join(', ')}`,
          retryable: false,
        },
      }
    case 'input-missing':
      return {
        drvPath,
        outcome: 'input-missing',
        error: {
          name: 'InputMissing',
          message: `no cache gave its builder ${result.missing.join(', ')}`,
          retryable: true,
        },
      }
  }
}
