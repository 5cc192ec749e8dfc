import { setTimeout as sleep } from 'node:timers/promises'
import { GitHubUnavailable } from '../../shared/github/client.ts'
import { stateKeys } from '../../shared/keys.ts'
import type { Bucket } from '../../shared/objects.ts'
import { changeRecord } from '../change-record.ts'
import { MOST_WAIT_MS, nextSlot, type PaceRecord } from '../pace.ts'

/** The turns of one function that tells GitHub about a repository, among those of all others. */
export class Turns {
  readonly #state: Bucket
  readonly #repository: string
  /** milliseconds since 1970 */
  #answered = 0

  constructor(state: Bucket, repository: string) {
    this.#state = state
    this.#repository = repository
  }

  /**
   * Waits until a call may be made that changes something in the repository: at most one in a second, of all functions that run at once.
   * @throws GitHubUnavailable when that is too far away
   */
  async next(): Promise<void> {
    let waitMs = 0
    const key = stateKeys.gitHubPace(this.#repository)
    const { isChanged } = await changeRecord<PaceRecord>(this.#state, key, (known) => {
      const slot = nextSlot(known, Date.now(), this.#answered)
      waitMs = slot?.waitMs ?? 0
      return slot?.record
    })
    if (!isChanged)
      throw new GitHubUnavailable(
        `more than ${MOST_WAIT_MS / 1000} calls wait for ${this.#repository} already: GitHub asks for a second between them`,
      )
    await sleep(waitMs)
  }

  /** GitHub has answered the call. One that took long may have been heard late: the second begins now. */
  over(): void {
    this.#answered = Date.now()
  }
}
