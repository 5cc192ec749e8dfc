import type { RunInput } from '../../shared/contract.ts'

/** What an event asks for; `warning`: somebody should know that it came. */
export type Answer =
  | { kind: 'run'; input: RunInput }
  | { kind: 'ping' }
  | { kind: 'ignored'; reason: string; warning?: string }
