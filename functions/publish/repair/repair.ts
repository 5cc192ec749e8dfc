import * as z from 'zod/mini'
import pLimit from 'p-limit'
import { writeGone } from '../../shared/cache-index/segments.ts'
import { cacheObjectOf } from '../../shared/verification/cache-object.ts'
import {
  REPAIR_EVIDENCE,
  REPAIR_KEYS,
  type RepairRequest,
  type RepairResult,
} from '../../shared/verification/repair-request.ts'
import { findSuspects, type RepairWorld } from './find-suspects.ts'
import { dropRecord, quarantine } from './quarantine.ts'
import type { Suspect } from './suspect.ts'
import { withdrawing } from './withdraw.ts'
import { referrersFirst, whoMustGo } from './who-must-go.ts'

const NarInfoKey = z
  .string()
  .check(z.refine((key) => cacheObjectOf(key).kind === 'narinfo', 'not a key of a narinfo'))
const HashPart = z.string().check(z.regex(/^[0-9abcdfghijklmnpqrsvwxyz]{32}$/, 'not a hash part'))

export const RepairInput = z.object({
  mode: z.literal('repair'),
  execution: z.string(),
  request: z.object({
    keys: z.array(NarInfoKey).check(z.maxLength(REPAIR_KEYS)),
    evidence: z.array(NarInfoKey).check(z.maxLength(REPAIR_EVIDENCE)),
    content: z.array(NarInfoKey).check(z.maxLength(REPAIR_KEYS + REPAIR_EVIDENCE)),
    records: z.array(HashPart).check(z.maxLength(REPAIR_EVIDENCE)),
  }),
})

// Each is a copy and a deletion.
const AT_ONCE = 16
// What a reason may take of an execution's output.
const REASON_LENGTH = 300

/**
 * Moves narinfos out of clients' sight, each only when it is found at fault here and now, or has to go with one that is: referrers before
 * references, and a reference only when nothing that stays refers to it. Before the first output of a build goes, its record is withdrawn, and when none is
 * visible any more, it is dropped. Killed anywhere and run again, it goes on.
 * @param execution the same one when it is run again
 */
export async function repair(
  world: RepairWorld,
  request: RepairRequest,
  execution: string,
): Promise<RepairResult[]> {
  const { cache, state } = world
  const withdraw = withdrawing(state, execution, world.now)
  const limit = pLimit(AT_ONCE)
  const suspects = await findSuspects(world, request)
  const reasons = whoMustGo(suspects)
  const asked = new Set(request.keys)
  const staying = new Set(suspects.filter(({ isVisible }) => isVisible))
  const results = new Map<string, RepairResult>()

  // before the first deletion: whoever reads the index from here on asks for these
  const going = suspects.filter(
    (suspect) => asked.has(suspect.key) && suspect.isVisible && reasons.has(suspect),
  )
  if (going.length > 0)
    await writeGone(
      state,
      going.map(({ hashPart }) => hashPart),
    )
  for (const layer of referrersFirst(suspects.filter(({ key, isVisible }) => asked.has(key) && isVisible)))
    await Promise.all(layer.map((suspect) => limit(() => handle(suspect))))
  for (const { key, isVisible } of suspects)
    if (asked.has(key) && !isVisible)
      results.set(key, { key, outcome: 'gone', because: 'clients do not see it' })
  const gone = suspects.filter((suspect) => asked.has(suspect.key) && !staying.has(suspect))
  const records = new Set(gone.flatMap((suspect) => suspect.records))
  await limit.map(records, (name) => dropRecord(cache, state, name))
  return request.keys.flatMap((key) => results.get(key) ?? [])

  async function handle(suspect: Suspect): Promise<void> {
    const { key, path, isElsewhere } = suspect
    const reason = reasons.get(suspect)
    const tell = (outcome: RepairResult['outcome'], because: string): void => {
      results.set(key, { key, outcome, because: because.slice(0, REASON_LENGTH) })
    }
    if (reason === undefined) return tell('sound', 'nothing is wrong with it')
    const referrer = [...staying].find(
      (other) =>
        other !== suspect && !isElsewhere && other.references.some((reference) => reference === path),
    )
    if (referrer !== undefined) return tell('left', `${referrer.key} refers to it, and stays`)
    const obstacle = await withdraw(suspect.records)
    if (obstacle !== undefined) return tell('left', obstacle)
    if (!(await quarantine(cache, state, suspect))) return tell('left', 'it changed while it was looked at')
    staying.delete(suspect)
    tell('quarantined', reason)
  }
}
