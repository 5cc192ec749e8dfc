import type { StorePath } from '../../nix/store-path.ts'
import { describeError } from '../../functions/shared/errors.ts'
import type { Sandbox } from '../machine/settings.ts'
import { NixPool } from '../nix-daemon/pool.ts'
import type { PlannedDerivation } from './batch.ts'
import { buildFailure } from './build-messages.ts'

/** How the build of one derivation ended. */
export type BuildEnding =
  | { status: 'built' }
  | { status: 'failed'; message: string }
  /** neither built nor to blame, with what Nix said last */
  | { status: 'unexplained'; message: string }

/** Builds derivations one by one: of each one is known how it ended, whatever Nix says of others. */
export class BuildSlots {
  readonly #pool: NixPool

  constructor(environment: Record<string, string>, sandbox: Sandbox) {
    this.#pool = new NixPool(environment, {
      sandbox,
      'sandbox-fallback': 'false',
      substituters: '',
      builders: '',
      // What was valid when this Nix looked last may have been deleted or built by another one since.
      'narinfo-cache-positive-ttl': '0',
      'narinfo-cache-negative-ttl': '0',
    })
  }

  /**
   * Builds a derivation whose inputs are all there, and nothing else: where one is not, Nix would build that.
   * @param onStart when Nix begins to
   */
  async build(derivation: PlannedDerivation, onStart: () => void): Promise<BuildEnding> {
    const { drvPath, inputOutputs, sources, outputs } = derivation
    try {
      return await this.#pool.use(async (nix): Promise<BuildEnding> => {
        const lacking = await nix.invalid([...inputOutputs, ...sources])
        if (lacking.length > 0) return unexplained(`its input ${lacking.join(', ')} is not there any more`)
        const refusal = await nix.build(drvPath, onStart)
        const lost: StorePath[] = await nix.invalid(outputs)
        // By what is valid in the store, not by what Nix says.
        if (lost.length === 0) return { status: 'built' }
        if (refusal === undefined) return unexplained(`it lost its output ${lost.join(', ')}`)
        const message = buildFailure(refusal, derivation)
        return message === undefined ? unexplained(refusal) : { status: 'failed', message }
      })
    } catch (error) {
      return unexplained(describeError(error).message)
    }
  }

  /** Lets go of everything in the store that is in use by what is built already. */
  async letGo(): Promise<void> {
    await this.#pool.closeIdle()
  }
}

function unexplained(message: string): BuildEnding {
  return { status: 'unexplained', message }
}
