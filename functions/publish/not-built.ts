import { baseNameOf, type StorePath } from '../../nix/store-path.ts'
import type { DerivationOutcome } from '../shared/contract.ts'
import { lostOutcome } from '../shared/lost-outcome.ts'
import { keepLog } from './logs.ts'
import { isPassingFailure } from '../shared/passing-failure.ts'
import type { Publication } from './publication.ts'
import type { StagedResult } from './staged-result.ts'

/**
 * What became of a derivation that its builder did not build.
 * @param result undefined when the builder said nothing
 * @param lost what to say then
 */
export async function outcomeOfFailure(
  publication: Publication,
  drvPath: StorePath,
  result: Exclude<StagedResult, { status: 'built' }> | undefined,
  lost: string,
): Promise<DerivationOutcome> {
  const isFixed = publication.graph.derivations[drvPath]?.fixedOutput !== undefined
  switch (result?.status) {
    case undefined:
      return { drvPath, ...lostOutcome(lost) }
    case 'failed':
      await keepLog(publication, baseNameOf(drvPath))
      return {
        drvPath,
        outcome: 'failed',
        error: {
          name: 'BuildFailed',
          message: result.message,
          retryable: isPassingFailure(result.message, result.logTail, isFixed),
        },
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
