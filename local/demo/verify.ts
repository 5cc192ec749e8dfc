import type { Fault } from '../../functions/shared/verification/fault.ts'
import { operate } from './operator.ts'

/** What `hearth verify` says of the cache: docs/verify.md. */
export interface VerifiedCache {
  counts: { narinfos: number }
  faults: Fault[]
}

/**
 * Runs `hearth verify` on a running world, every NAR's bytes included.
 * @param folder of the world
 */
export async function verifyCache(folder: string, ...options: string[]): Promise<VerifiedCache> {
  return JSON.parse(await operate(folder, ['--json', 'verify', '--content', ...options])) as VerifiedCache
}
