import pLimit from 'p-limit'
import type { SecretKey } from '../../../nix/signature.ts'
import type { KeyAnswer } from '../../shared/contract.ts'
import { everyPublisherKnows } from '../../shared/key-lifetime.ts'
import { stateKeys } from '../../shared/keys.ts'
import { logger } from '../../shared/lambda.ts'
import { type Bucket, claimJson, findObject } from '../../shared/objects.ts'
import type { Resigning } from '../../shared/records.ts'
import { settleKeyRecord } from './key-record.ts'
import { narinfosAfter } from './narinfo-keys.ts'
import { paced } from './pace.ts'
import { advancePass, completePass, openPass, type Progress } from './pass.ts'
import { ResigningTakenOver } from './refusals.ts'
import { resignNarInfo } from './resign-narinfo.ts'
import { publicSide } from './stored-keys.ts'

// 10 minutes of the 15 that a Lambda has: what was begun by then ends in time.
const SLICE_MS = 10 * 60 * 1000
// 10 seconds of writing are lost at most, and done again harmlessly, when a slice dies.
const SAVE_EVERY_SECONDS = 10
// Source: S3 API reference, ListObjectsV2.
const LARGEST_PAGE = 1000
const AT_ONCE = 32
// 4 MiB: 100 foreign narinfos with what is wrong with each.
const PASS_LIMIT = 4 * 1024 * 1024

export interface ResignParts {
  cache: Bucket
  state: Bucket
  keys: SecretKey[]
  execution: string
  /** narinfos written in a second */
  rate: number
}

/**
 * One slice of a pass over all narinfos that adds the signatures that they lack: goes on where the slice before ended, also when that died.
 * @returns `wait` while a publisher may live that does not know the newest key, `again` when the slice is over, `done` when nothing is left
 * @throws ResigningTakenOver when another execution goes on from here
 */
export async function resign(parts: ResignParts, now: () => Date): Promise<KeyAnswer> {
  const { cache, state, keys, execution, rate } = parts
  const record = await settleKeyRecord(state, execution, keys.map(publicSide), now())
  const until = everyPublisherKnows(record)
  if (until !== undefined && until > now()) return { verdict: 'wait', until: until.toISOString() }
  const end = now().getTime() + SLICE_MS
  const turn = paced(rate)
  const most = Math.min(LARGEST_PAGE, Math.max(1, Math.round(rate * SAVE_EVERY_SECONDS)))
  const store = await openStore(state, execution)
  let pass = await store.save(
    openPass(
      store.found,
      keys.map(({ name }) => name),
      execution,
      now(),
    ),
  )
  while (pass.completed === undefined) {
    if (now().getTime() >= end) return { verdict: 'again' }
    const page = await narinfosAfter(cache, pass.after, most)
    pass = await store.save(
      page === undefined
        ? completePass(pass, now())
        : advancePass(pass, await resignPage(parts, page, turn), now()),
    )
    const { done, signed, foreign, total } = pass
    logger.info('re-signing', { done, signed, foreign, total, completed: pass.completed })
  }
  return { verdict: 'done', change: 'resign' }
}

async function resignPage(
  { cache, keys }: ResignParts,
  page: { keys: string[]; last: string },
  turn: () => Promise<void>,
): Promise<Progress> {
  const started = performance.now()
  const limit = pLimit(AT_ONCE)
  const progress: Progress = { last: page.last, done: 0, signed: 0, foreigners: [], seconds: 0 }
  await limit.map(page.keys, async (key) => {
    const resigned = await resignNarInfo(cache, key, keys, turn)
    if (resigned === 'gone') return
    progress.done += 1
    if (resigned === 'signed') progress.signed += 1
    else if (typeof resigned === 'object') progress.foreigners.push({ key, reason: resigned.foreign })
  })
  progress.seconds = (performance.now() - started) / 1000
  return progress
}

/** The record of the pass, written over one's own last version only. */
async function openStore(state: Bucket, execution: string) {
  const read = () => findObject(state, stateKeys.resigning, PASS_LIMIT)
  const parse = (bytes: Uint8Array): Resigning => JSON.parse(Buffer.from(bytes).toString('utf8')) as Resigning
  const found = await read()
  let etag = found?.etag
  return {
    found: found === undefined ? undefined : parse(found.bytes),
    async save(pass: Resigning): Promise<Resigning> {
      const isWritten = await claimJson(state, stateKeys.resigning, pass, etag)
      const stored = await read()
      const standing = stored === undefined ? undefined : parse(stored.bytes)
      // An answer may be lost, and the SDK asks again: then what is in the way is our own.
      const isOurs = isWritten || JSON.stringify(standing) === JSON.stringify(pass)
      if (!isOurs || standing?.execution !== execution)
        throw new ResigningTakenOver(standing?.execution ?? 'somebody else')
      etag = stored?.etag
      return pass
    },
  }
}
