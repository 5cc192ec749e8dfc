import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openCacheIndex } from '../../../functions/shared/cache-index/cache-index.ts'
import { writeGone, writeHeld } from '../../../functions/shared/cache-index/segments.ts'
import { listObjects } from '../../../functions/shared/list-objects.ts'
import type { Bucket } from '../../../functions/shared/objects.ts'
import { REGION } from '../../../local/gateway/service.ts'
import { type Stack, startStack } from '../../../local/stack/start-stack.ts'
import { hashPartOf, parseStorePath, type StorePath } from '../../../nix/store-path.ts'

/** The packaged template on one machine, its policies enforced, and the operator's own command. */
const TEMPLATE = '.serverless/cloudformation-template-update-stack.json'

let folder: string
let stack: Stack
let s3: S3Client
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-index-'))
  stack = await startStack({ folder, template: TEMPLATE })
  s3 = s3Of(stack.operator)
})
afterAll(async () => {
  s3.destroy()
  await stack.close()
  await rm(folder, { recursive: true, force: true })
})
const s3Of = (credentials: Stack['operator']) =>
  new S3Client({ endpoint: stack.endpoint, region: REGION, credentials, forcePathStyle: true })
const bucket = (name: 'State' | 'Cache', client = s3): Bucket => ({
  s3: client,
  name: stack.physicalId(`${name}Bucket`),
})

const path = (index: number): StorePath =>
  parseStorePath(`/nix/store/${String(index).padStart(32, '0')}-package`)
const narinfo = (index: number) => ({
  Bucket: bucket('Cache').name,
  Key: `${hashPartOf(path(index))}.narinfo`,
})
async function rebuild(): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    'scripts/hearth.ts',
    '--local',
    '--folder',
    folder,
    '--json',
    'index',
    'rebuild',
  ])
  return JSON.parse(stdout) as unknown
}
async function indexKeys(): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of listObjects(bucket('State'), 'index/')) keys.push(key)
  return keys
}

describe('hearth index rebuild', () => {
  test('has Publish make the index from the cache, whatever it held before', async () => {
    for (let index = 0; index < 40; index++)
      await s3.send(new PutObjectCommand({ ...narinfo(index), Body: 'narinfo' }))
    await writeHeld(
      bucket('State'),
      [0, 99].map((index) => hashPartOf(path(index))),
    )
    await s3.send(
      new PutObjectCommand({ Bucket: bucket('State').name, Key: 'index/paths.zst', Body: 'damaged' }),
    )
    expect(await rebuild()).toEqual({ narinfos: 40 })
    expect(await indexKeys()).toEqual(['index/paths.zst'])
  })

  test('and Plan, in its own role, reads, amends and compacts it', async () => {
    const plan = s3Of(stack.credentialsFor('PlanRole', 'plan'))
    const [state, cache] = [bucket('State', plan), bucket('Cache', plan)]
    await s3.send(new DeleteObjectCommand(narinfo(0)))
    await writeGone(bucket('State'), [hashPartOf(path(0))])
    const index = openCacheIndex(state, cache)
    const held = await index.whichAreHeld([0, 1, 39, 40, 99].map(path))
    expect(held).toEqual(new Set([path(1), path(39)]))
    index.note(path(40))
    await index.save()
    // when the deletion is over
    const later = openCacheIndex(state, cache, () => Date.now() + 2 * 60 * 60 * 1000)
    expect(await later.whichAreHeld([0, 40].map(path))).toEqual(new Set([path(40)]))
    await later.save()
    expect(await indexKeys()).toEqual(['index/paths.zst'])
    expect(await openCacheIndex(state, cache).whichAreHeld([0, 1, 40].map(path))).toEqual(
      new Set([path(1), path(40)]),
    )
    plan.destroy()
  })
})
