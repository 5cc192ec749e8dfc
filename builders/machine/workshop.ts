import type { Staging } from './staging.ts'
import type { WorkFolder } from './work-folder.ts'

/** What both commands work with. */
export interface Workshop {
  staging: Staging
  folder: WorkFolder
  environment: Record<string, string>
  /** prints one line about an event, for people */
  say: (line: string) => void
}
