import type { App } from './apps.ts'
import type { Call } from './call-log.ts'
import { type CheckRunLog, createCheckRunLog } from './check-run-log.ts'
import { type Clock, createClock } from './clock.ts'
import { createManifestStore, type ManifestStore } from './manifests.ts'
import { createPace, type Pace } from './pace.ts'
import { createRateLimits, type RateLimits } from './rate-limits.ts'
import type { Repository } from './repository.ts'
import { openStatusLog, type StatusLog } from './status-log.ts'
import { createTokenStore, type TokenStore } from './tokens.ts'

/** Everything that a GitHub knows. */
export interface Forge {
  clock: Clock
  /** by `owner/name`, in small letters */
  repositories: Map<string, Repository>
  apps: Map<number, App>
  tokens: TokenStore
  manifests: ManifestStore
  statuses: StatusLog
  checkRuns: CheckRunLog
  limits: RateLimits
  pace: Pace
  calls: Call[]
  /** keys of archives of private repositories, and what they open */
  downloads: Map<string, { repository: string; sha: string; until: number }>
  nextId(): number
}

/** @param folder where statuses are kept; in memory when absent */
export function createForge(folder: string | undefined): Forge {
  const clock = createClock()
  let id = 1000
  const nextId = (): number => (id += 1)
  return {
    clock,
    repositories: new Map(),
    apps: new Map(),
    tokens: createTokenStore(clock),
    manifests: createManifestStore(clock),
    statuses: openStatusLog(folder),
    checkRuns: createCheckRunLog(),
    limits: createRateLimits(clock),
    pace: createPace(),
    calls: [],
    downloads: new Map(),
    nextId,
  }
}

export function findRepository(forge: Forge, fullName: string): Repository | undefined {
  return forge.repositories.get(fullName.toLowerCase())
}
