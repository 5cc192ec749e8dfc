import type { MachineId } from '../../functions/shared/contract.ts'
import type { RunMemories } from '../batch/run-memory.ts'
import type { AwsClients } from '../machine/aws-clients.ts'
import type { Settings } from '../machine/settings.ts'

/** A machine that builds batch after batch. */
export interface Machine {
  id: MachineId
  clients: AwsClients
  settings: Settings
  memories: RunMemories
  /** builds at once within a batch */
  buildsAtOnce: number
  /** prints one line about an event, for people */
  say: (line: string) => void
  /** why nothing may be built here */
  refusal?: Error
}
