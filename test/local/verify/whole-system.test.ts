import { DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { readJson, writeJson } from '../../../functions/shared/objects.ts'
import type { Published } from '../../../functions/shared/records.ts'
import { readNarInfo } from '../../../functions/shared/verification/read-narinfo.ts'
import type { RepairResult } from '../../../functions/shared/verification/repair-request.ts'
import { type VerifiedCache, verifyCache } from '../../../local/demo/verify.ts'
import { nameOf, type StorePath } from '../../../nix/store-path.ts'
import { startTestCompany, type TestCompany } from '../pipeline/company-on-one-machine.ts'

/** The command itself on the packaged template: its state machine, Publish's own role, and real Nix that publishes again what was taken away. */
let company: TestCompany
beforeAll(async () => {
  company = await startTestCompany({ secondsPerSystem: 60, megabytes: 1024 })
})
afterAll(async () => {
  await company.close()
})

async function publishedPaths(): Promise<Map<string, { path: StorePath; nar: string }>> {
  const cache = { s3: company.world.s3, name: company.world.cacheBucket }
  const { Contents = [] } = await cache.s3.send(new ListObjectsV2Command({ Bucket: cache.name }))
  const paths = new Map<string, { path: StorePath; nar: string }>()
  for (const { Key: key = '' } of Contents.filter(({ Key = '' }) => Key.endsWith('.narinfo'))) {
    const path = (await readNarInfo(cache, key, []))?.info
    if (path !== undefined) paths.set(key, { path: path.storePath, nar: path.url })
  }
  return paths
}

/** The records as they will be read an hour from now: nobody who publishes is alive any more. */
async function letAnHourPass(): Promise<void> {
  const { state } = company.world
  const { Contents = [] } = await state.s3.send(
    new ListObjectsV2Command({ Bucket: state.name, Prefix: stateKeys.published('').replace('.json', '') }),
  )
  for (const { Key: key = '' } of Contents) {
    const record = await readJson<Published>(state, key)
    await writeJson(state, key, {
      ...record,
      begun: new Date(Date.parse(record.begun) - 60 * 60_000).toISOString(),
    })
  }
}

interface Repaired extends VerifiedCache {
  repair: RepairResult[]
  after: VerifiedCache
}
const repairNow = async (): Promise<Repaired> =>
  (await verifyCache(company.world.folder, '--repair', '--force')) as Repaired
const outcomesOf = ({ repair }: Repaired): Set<string> => new Set(repair.map(({ outcome }) => outcome))

test('a NAR is lost: repair takes its path and all referrers away, and the next push publishes them again', async () => {
  const { world } = company
  const first = await company.push('README.md', '# Shells\n')
  expect(first.summary.verdict).toBe('done')
  const before = await publishedPaths()
  const lost = [...before.values()].find(
    ({ path }) => nameOf(path) === 'libformat-1.0' || nameOf(path) === 'greeter-1.0',
  )
  if (lost === undefined)
    throw new Error(`no such path among ${[...before.values()].map(({ path }) => nameOf(path)).join(', ')}`)
  await world.s3.send(new DeleteObjectCommand({ Bucket: world.cacheBucket, Key: lost.nar }))

  const early = await repairNow()
  expect(outcomesOf(early)).toEqual(new Set(['left']))
  expect(early.after.faults.map(({ fault }) => fault)).toEqual(['nar-missing'])
  expect([...(await publishedPaths()).keys()]).toEqual([...before.keys()])

  await letAnHourPass()
  const repaired = await repairNow()
  expect(repaired.faults.map(({ fault }) => fault)).toEqual(['nar-missing'])
  expect(outcomesOf(repaired)).toEqual(new Set(['quarantined']))
  expect(repaired.after.faults).toEqual([])
  const visible = await publishedPaths()
  expect([...before.keys()].filter((key) => !visible.has(key)).toSorted()).toEqual(
    repaired.repair.map(({ key }) => key).toSorted(),
  )

  const again = await company.push('README.md', '# Our shells\n')
  expect(again.summary).toMatchObject({ verdict: 'done', derivations: { published: repaired.repair.length } })
  expect([...(await publishedPaths()).keys()]).toEqual([...before.keys()])
  expect((await verifyCache(world.folder)).faults).toEqual([])
  expect(world.stack.denied).toEqual([])
})
