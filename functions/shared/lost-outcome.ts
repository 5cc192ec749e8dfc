import type { DerivationOutcome } from './contract.ts'

/** What became of a derivation of which neither its builder nor Publish said anything: another builder may try. */
export function lostOutcome(message: string): Omit<DerivationOutcome, 'drvPath'> {
  return { outcome: 'lost', error: { name: 'BuilderLost', message, retryable: true } }
}
