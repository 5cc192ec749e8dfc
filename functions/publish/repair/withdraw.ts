import { stateKeys } from '../../shared/keys.ts'
import { type Bucket, claimJson, findObject } from '../../shared/objects.ts'
import type { Published } from '../../shared/records.ts'

// 64 MiB: as for Publish itself.
const RECORD_LIMIT = 64 * 1024 * 1024

/**
 * 35 minutes. Whoever claimed or renewed a record wrote its `begun` within the 15 minutes that he lives; for 4 minutes others go on with it without
 * a word (`write-once.ts`), and these live 15 minutes, too. One is for clocks that differ.
 */
const PUBLISHERS_LIVE_MS = 35 * 60 * 1000
// 20 minutes: a repair lives 15 at most.
const REPAIRS_LIVE_MS = 20 * 60 * 1000
// Who loses sees at the second look who has won: a publisher, another repair, or itself, when an answer was lost and the SDK asked again.
const LOOKS = 2

/**
 * Withdraws write-once records, so that nobody publishes again what a repair takes out of clients' sight.
 *
 * Record, narinfos, record is the order. Any Publish would finish a record that stands, and write the narinfos again; and in the place of one that was
 * dropped first, outputs of another build could get in beside those that are still visible. So the record is marked first, over exactly the version that
 * was read: who set out to finish it before is dead by then, and who comes later leaves it alone while any of it is visible. Whatever a repair that died
 * has left behind, another one goes on with; and when nothing is visible any more, the next Publish puts its own build there.
 * @param execution finds its own withdrawals made when it comes again; what another one withdraws is left to that one while it may live
 * @returns a function that withdraws the one record there is of a derivation, and tells why it could not
 */
export function withdrawing(
  state: Bucket,
  execution: string,
  now: () => number,
): (names: string[]) => Promise<string | undefined> {
  const asked = new Map<string, Promise<string | undefined>>()

  async function withdraw(name: string): Promise<string | undefined> {
    const key = stateKeys.published(name)
    for (let look = 1; look <= LOOKS; look++) {
      const found = await findObject(state, key, RECORD_LIMIT)
      if (found === undefined) return undefined
      const record = JSON.parse(Buffer.from(found.bytes).toString('utf8')) as Published
      if (record.withdrawn?.by === execution) return undefined
      const obstacle = somebodyAtWork(record, now())
      if (obstacle !== undefined) return obstacle
      const withdrawn = { by: execution, since: new Date(now()).toISOString() }
      if (await claimJson(state, key, { ...record, withdrawn }, found.etag)) return undefined
    }
    return 'somebody publishes it at this moment'
  }

  /** Outputs of one derivation meet here: its record is withdrawn once. */
  function once(name: string): Promise<string | undefined> {
    const withdrawn = asked.get(name) ?? withdraw(name)
    asked.set(name, withdrawn)
    return withdrawn
  }

  return async (names) => (await Promise.all(names.map(once))).find((obstacle) => obstacle !== undefined)
}

function somebodyAtWork({ begun, withdrawn }: Published, now: number): string | undefined {
  const [since, lives, who] =
    withdrawn === undefined
      ? [begun, PUBLISHERS_LIVE_MS, 'it is being published, or was a moment ago']
      : [withdrawn.since, REPAIRS_LIVE_MS, `another repair, ${withdrawn.by}, is at it`]
  const until = Date.parse(since) + lives
  return until > now ? `${who}: repair again after ${new Date(until).toISOString()}` : undefined
}
