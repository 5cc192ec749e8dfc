import { describe, expect, onTestFinished, test } from 'vitest'
import { cacheKeys } from '../../../functions/shared/keys.ts'
import type { FaultName } from '../../../functions/shared/verification/fault.ts'
import { REPAIR_EVIDENCE, REPAIR_KEYS } from '../../../functions/shared/verification/repair-request.ts'
import { hashPartOf, type StorePath } from '../../../nix/store-path.ts'
import { Inventory } from '../../../scripts/hearth/verify/inventory.ts'
import { RepairPlan } from '../../../scripts/hearth/verify/repair-plan.ts'
import { drv, out } from '../functions/graphs.ts'

const keyOf = (path: StorePath): string => cacheKeys.narinfo(hashPartOf(path))

/** A cache with these paths, by name, each with what it refers to. */
function inventoryOf(paths: Record<string, string[]>): Inventory {
  const inventory = new Inventory()
  onTestFinished(() => {
    inventory.close()
  })
  for (const [name, references] of Object.entries(paths)) {
    const info = {
      storePath: out(name),
      references: references.map((reference) => out(reference)),
      deriver: drv(name),
      url: '',
      compression: 'zstd',
      narHash: '',
      narSize: 1,
      signatures: [],
    }
    inventory.addNarInfo(hashPartOf(out(name)), { info, nar: undefined }, new Date(0))
  }
  return inventory
}

function planOf(inventory: Inventory, broken: string[], fault: FaultName = 'nar-missing'): RepairPlan {
  inventory.addFaults(broken.map((name) => ({ fault, key: keyOf(out(name)), detail: '' })))
  const plan = new RepairPlan(inventory)
  do for (const { id } of plan.unasked()) plan.setElsewhere(id, false)
  while (plan.spread())
  plan.order()
  return plan
}

const link = (number: number): string => `link-${number}`
const chain = (length: number): Record<string, string[]> =>
  Object.fromEntries(
    Array.from({ length }, (_, number) => [link(number), number === 0 ? [] : [link(number - 1)]]),
  )

describe('requests', () => {
  test('take a chain apart from its end, a bounded piece each, with what leads to the broken path', () => {
    const length = 700
    const plan = planOf(inventoryOf(chain(length)), [link(0)], 'nar-bytes')
    const asked: string[] = []
    for (let request = plan.next(); request !== undefined; request = plan.next()) {
      expect(request.keys.length).toBeLessThanOrEqual(REPAIR_KEYS)
      expect(request.evidence.length).toBeLessThanOrEqual(REPAIR_EVIDENCE)
      expect([...request.keys, ...request.evidence]).toContain(keyOf(out(link(0))))
      expect(request.content).toEqual([keyOf(out(link(0)))])
      asked.push(...request.keys)
    }
    expect(asked).toEqual(Array.from({ length }, (_, number) => keyOf(out(link(length - 1 - number)))))
  })

  test('have fewer keys when these need more evidence than a request holds', () => {
    // 300 pairs: each top needs a middle of its own, and each middle three broken paths of which one is enough to tell
    const paths: Record<string, string[]> = {}
    const broken: string[] = []
    for (let number = 0; number < 300; number++) {
      paths[`top-${number}`] = [`upper-${number}`]
      paths[`upper-${number}`] = [`lower-${number}`]
      paths[`lower-${number}`] = [`broken-${number}`]
      paths[`broken-${number}`] = []
      broken.push(`broken-${number}`)
    }
    const plan = planOf(inventoryOf(paths), broken)
    const first = plan.next()
    expect(first?.keys).toHaveLength(150)
    expect(first?.evidence).toHaveLength(450)
    let asked = first?.keys.length ?? 0
    for (let request = plan.next(); request !== undefined; request = plan.next()) asked += request.keys.length
    expect(asked).toBe(1200)
  })

  test('leave out what a path refers to that stays, directly or not, and nothing else', () => {
    const plan = planOf(inventoryOf({ a: ['b'], b: ['c'], c: [], d: ['c'], e: [], f: ['e'] }), ['c', 'e'])
    plan.keep(keyOf(out('a')))
    // a itself has not been asked for here, so it is left out as well
    expect(plan.next()?.keys.toSorted()).toEqual(
      [keyOf(out('d')), keyOf(out('e')), keyOf(out('f'))].toSorted(),
    )
  })
})

test('a path that is elsewhere takes nothing with it', () => {
  const inventory = inventoryOf({ a: ['b'], b: ['c'], c: [] })
  inventory.addFaults([{ fault: 'nar-size', key: keyOf(out('b')), detail: '' }])
  const plan = new RepairPlan(inventory)
  do for (const { id, path } of plan.unasked()) plan.setElsewhere(id, path === out('b'))
  while (plan.spread())
  plan.order()
  expect(plan.next()?.keys).toEqual([keyOf(out('b'))])
})

test('what a repair cannot mend starts nothing', () => {
  const plan = planOf(inventoryOf({ a: [] }), ['a'], 'upstream-unavailable')
  expect(plan.next()).toBeUndefined()
})

describe('the record of a build', () => {
  const planOfHalf = (visible: Record<string, string[]>): RepairPlan => planOf(inventoryOf(visible), ['half'])
  test('is named when it is named for an output that nobody sees', () => {
    const plan = planOfHalf({ half: [] })
    plan.addRecord(hashPartOf(out('hidden')), drv('half'), [out('hidden'), out('half')])
    expect(plan.next()?.records).toEqual([hashPartOf(out('hidden'))])
  })
  test('is not when it is found by what goes', () => {
    const plan = planOfHalf({ half: [], other: [] })
    plan.addRecord(hashPartOf(out('half')), drv('half'), [out('hidden'), out('half')])
    plan.addRecord(hashPartOf(out('another')), drv('other'), [out('another'), out('other')])
    expect(plan.next()?.records).toEqual([])
  })
})
