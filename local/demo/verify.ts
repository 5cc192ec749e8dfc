import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { Fault } from '../../functions/shared/verification/fault.ts'

/** What `hearth verify` says of the cache: docs/verify.md. */
export interface VerifiedCache {
  counts: { narinfos: number }
  faults: Fault[]
}

/**
 * Runs the operator's own command on a running world, every NAR's bytes included.
 * @param folder of the world
 */
export async function verifyCache(folder: string, ...options: string[]): Promise<VerifiedCache> {
  const command = [
    'scripts/hearth.ts',
    '--local',
    '--folder',
    join(folder, 'aws'),
    '--json',
    'verify',
    '--content',
  ]
  const { stdout, stderr } = await new Promise<{ stdout: string; stderr: string }>((resolve) => {
    // exit code 1 means faults, which are in the document
    execFile(process.execPath, [...command, ...options], { maxBuffer: 1 << 30 }, (_, stdout, stderr) => {
      resolve({ stdout, stderr })
    })
  })
  if (stdout === '') throw new Error(`hearth verify said nothing: ${stderr}`)
  return JSON.parse(stdout) as VerifiedCache
}
