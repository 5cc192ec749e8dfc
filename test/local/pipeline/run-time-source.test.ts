import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect } from 'vitest'
import { readNarInfo } from '../../../functions/shared/verification/read-narinfo.ts'
import { readNixOutput } from '../../../local/demo/nix-output.ts'
import { mustSucceed, onMachine } from '../../../local/demo/on-machine.ts'
import type { NarInfo } from '../../../nix/narinfo.ts'
import { nameOf, type StorePath } from '../../../nix/store-path.ts'
import { testEachNix } from '../nix/available-nix.ts'
import { startTestCompany, type TestCompany } from './company-on-one-machine.ts'
import { newClient, removeClient } from './nix-client.ts'

/** `checklist` of the example refers to `${./checklist.sh}` at run time: the real pipeline publishes it, and real clients fetch it. */

let company: TestCompany
beforeAll(async () => {
  company = await startTestCompany({ secondsPerSystem: 120, megabytes: 2048 })
  await company.push('README.md', '# Shells\n')
})
afterAll(async () => {
  await company.close()
})

/** The narinfos of the paths with this name, one for each system. */
async function published(name: string): Promise<NarInfo[]> {
  const cache = { s3: company.world.s3, name: company.world.cacheBucket }
  const { Contents = [] } = await cache.s3.send(new ListObjectsV2Command({ Bucket: cache.name }))
  const keys = Contents.map(({ Key = '' }) => Key).filter((key) => key.endsWith('.narinfo'))
  const infos = await Promise.all(keys.map(async (key) => (await readNarInfo(cache, key, []))?.info))
  return infos.filter((info) => info !== undefined).filter(({ storePath }) => nameOf(storePath) === name)
}

testEachNix('a client that knows one store path gets the source with it, and runs it', async (nix) => {
  const [program] = await published('checklist-1.0')
  const [source] = await published('checklist.sh')
  if (program === undefined || source === undefined) throw new Error('not published')
  expect(program.references).toContain(source.storePath)
  const { world } = company
  const client = await newClient(world, [world.publicKey], nix)
  try {
    const { stderr } = await mustSucceed(client, ['nix-store', '--realise', program.storePath])
    const ours = readNixOutput(stderr).downloaded.filter(({ from }) => from.startsWith(world.bridge.url))
    expect(ours.map(({ path }) => path).toSorted()).toEqual([program.storePath, source.storePath].toSorted())
    const onDisk = readFileSync(join(client.folder, source.storePath), 'utf8')
    expect(onDisk).toBe(readFileSync('examples/without-nixpkgs/checklist.sh', 'utf8'))
    const { stdout } = await mustSucceed(client, [`${program.storePath}/bin/checklist`])
    expect(stdout).toBe('everything is checked\n')
  } finally {
    await removeClient(client)
  }
})

testEachNix('without our key it gets neither the program nor a build of it', async (nix) => {
  const [program] = await published('checklist-1.0')
  const path = program?.storePath ?? ('' as StorePath)
  const client = await newClient(company.world, [], nix)
  try {
    expect((await onMachine(client, ['nix-store', '--realise', path])).status).not.toBe(0)
    expect((await onMachine(client, ['nix-store', '--check-validity', path])).status).not.toBe(0)
  } finally {
    await removeClient(client)
  }
})
