import { setTimeout as sleep } from 'node:timers/promises'
import { GitHubUnavailable } from '../../shared/github/client.ts'
import { stateKeys } from '../../shared/keys.ts'
import type { Bucket } from '../../shared/objects.ts'
import { changeRecord } from '../change-record.ts'
import { MOST_WAIT_MS, nextSlot, type PaceRecord } from '../pace.ts'

/**
 * Waits until a call may be made that changes something in a repository: at most one in a second, of all functions that run at once.
 * @throws GitHubUnavailable when that is too far away
 */
export async function awaitSlot(state: Bucket, repository: string): Promise<void> {
  let waitMs = 0
  const { isChanged } = await changeRecord<PaceRecord>(state, stateKeys.gitHubPace(repository), (known) => {
    const slot = nextSlot(known, Date.now())
    waitMs = slot?.waitMs ?? 0
    return slot?.record
  })
  if (!isChanged)
    throw new GitHubUnavailable(
      `more than ${MOST_WAIT_MS / 1000} calls wait for ${repository} already: GitHub asks for a second between them`,
    )
  await sleep(waitMs)
}
