import { forEachAtOnce } from '../../../functions/shared/at-once.ts'
import { HearthError } from '../../../functions/shared/errors.ts'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { findJson } from '../../../functions/shared/objects.ts'
import type { Published } from '../../../functions/shared/records.ts'
import { UpstreamUnavailable } from '../../../functions/shared/upstream.ts'
import { findInUpstreams } from '../../../functions/shared/verification/find-path.ts'
import type { RepairRequest, RepairResult } from '../../../functions/shared/verification/repair-request.ts'
import type { Inventory } from './inventory.ts'
import { listObjects } from '../../../functions/shared/list-objects.ts'
import { RepairPlan } from './repair-plan.ts'
import type { Verification } from './verify-cache.ts'

/** A wrong key in hearth.yml makes a whole cache look unsigned: nobody wants that repaired. */
export class TooMuchToRepair extends HearthError {
  override name = 'TooMuchToRepair'
  constructor(going: number, narinfos: number) {
    super(
      `${going} of ${narinfos} narinfos would be moved out of sight, with everything that refers to what is broken: if that is right, say --force`,
    )
  }
}

export interface Repair extends Verification {
  /** however many narinfos it takes */
  force: boolean
  /** has Publish do it */
  ask: (request: RepairRequest) => Promise<RepairResult[]>
  /** hears of every narinfo that was asked for */
  onResult: (result: RepairResult) => Promise<void>
}

// What a person would look through; above it, one narinfo in twenty.
const FEW = 20
const SHARE = 0.05

const REQUESTS = 24
const UPSTREAM_REQUESTS = 25

/**
 * Has everything moved out of clients' sight that verification found broken, and what must go with it, referrers before references.
 * @param narinfos how many the bucket has
 * @throws TooMuchToRepair, UpstreamUnavailable: nothing was moved then
 */
export async function repairCache(inventory: Inventory, narinfos: number, repair: Repair): Promise<void> {
  const { progress, upstreams, force } = repair
  const plan = new RepairPlan(inventory)
  await readRecords(plan, repair)
  do {
    progress.begin('asking upstreams for what has to go')
    await forEachAtOnce(plan.unasked(), UPSTREAM_REQUESTS, async ({ id, path }) => {
      const where = path === undefined ? 'absent' : await findInUpstreams(upstreams, path)
      if (where === 'unanswered') throw new UpstreamUnavailable(`an upstream did not answer for ${path}`)
      plan.setElsewhere(id, where === 'elsewhere')
      progress.step()
    })
  } while (plan.spread())
  const going = plan.count()
  if (!force && going > Math.max(FEW, narinfos * SHARE)) throw new TooMuchToRepair(going, narinfos)
  plan.order()
  progress.begin('moving narinfos out of sight', going)
  for (let request = plan.next(); request !== undefined; request = plan.next()) {
    for (const result of await repair.ask(request)) {
      await repair.onResult(result)
      progress.step()
      // nothing that it refers to may go: its closure would not be there
      if (result.outcome === 'left' || result.outcome === 'sound') plan.keep(result.key)
    }
  }
  progress.end()
}

/**
 * What belongs together where narinfos alone do not tell: a narinfo that cannot be read does not name its build, and a build that is half visible may
 * have its record named for an output that nobody sees. Unfinished publications are few; all records are read only when something is unreadable.
 */
async function readRecords(plan: RepairPlan, { state, progress }: Repair): Promise<void> {
  if (plan.count() === 0) return
  const isEveryOneNeeded = plan.hasStrangers()
  progress.begin('reading records of what was published')
  const [folder = ''] = stateKeys.published('').split('.json')
  await forEachAtOnce(listObjects(state, folder), REQUESTS, async ({ key }) => {
    const hashPart = key.slice(folder.length).replace(/\.json$/, '')
    if (!isEveryOneNeeded && plan.isVisible(hashPart)) return
    const record = await findJson<Published>(state, key)
    if (record === undefined) return
    plan.addRecord(
      hashPart,
      record.drvPath,
      Object.values(record.outputs).map(({ storePath }) => storePath),
    )
    progress.step()
  })
}
