import type { DerivationOutcome } from './contract.ts'

/**
 * What became of a derivation of which neither its builder nor Publish said anything: another builder may try.
 * @param name of the error
 */
export function lostOutcome(message: string, name = 'BuilderLost'): Omit<DerivationOutcome, 'drvPath'> {
  return { outcome: 'lost', error: { name, message, retryable: true } }
}
