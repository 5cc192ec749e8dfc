import { runProcess } from '../machine/processes.ts'
import type { NixpkgsPin } from '../../functions/shared/contract.ts'
import { parsePins } from './parse-pins.ts'

// 4 MiB: the lock of a flake with a thousand inputs has less than one.
const LOCK_LIMIT = 4 * 1024 * 1024

/**
 * What the flake.lock at the top of a fetched commit pins of nixpkgs. It only tells people something: without a lock, or with one that is none, there are no pins.
 * @param repository where `fetchCommit` has put the commit
 */
export async function readPins(
  repository: string,
  environment: Record<string, string>,
): Promise<NixpkgsPin[]> {
  const size = Number(await lockBy(['cat-file', '-s', 'HEAD:flake.lock'], repository, environment))
  if (!(size > 0 && size <= LOCK_LIMIT)) return []
  // As it lies in the commit: neither filters nor anything else that the commit configures is run.
  return parsePins(await lockBy(['cat-file', 'blob', 'HEAD:flake.lock'], repository, environment))
}

/** What git says of it; nothing when the commit has none. */
async function lockBy(
  args: string[],
  directory: string,
  environment: Record<string, string>,
): Promise<string> {
  const { status, stdout } = await runProcess('git', args, {
    directory,
    environment: { ...environment, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' },
  })
  return status === 0 ? stdout : ''
}
