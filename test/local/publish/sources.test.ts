import { describe, expect, test } from 'vitest'
import type { Published } from '../../../functions/shared/records.ts'
import { stagedKeys, stateKeys } from '../../../functions/shared/keys.ts'
import { fingerprint, formatNarInfo } from '../../../nix/narinfo.ts'
import { formatPublicKey, generateSecretKey, publicKeyOf, sign } from '../../../nix/signature.ts'
import { hashPartOf } from '../../../nix/store-path.ts'
import { storePath } from '../../unit/functions/graphs.ts'
import { serve } from '../../unit/functions/http-server.ts'
import { stagedOutput, type Output } from './staged-output.ts'
import { expectSound, keysOf, visibleNarInfos } from './visible.ts'
import { BUILD, drv, out, OTHER_BUILD, prefixOf, type World } from './world.ts'
import { worldsForThisFile } from './world-of-this-file.ts'

const newWorld = worldsForThisFile()
const SCRIPT = storePath('script.py')
const DATA = storePath('data.json')
const ICON = storePath('icon.svg')
const APP = { text: `exec python ${SCRIPT}`, references: [SCRIPT] }

/** `app`, which has three sources; only one of them is mentioned in what it becomes. */
async function appWith(script: Output, { isStaged = true } = {}): Promise<World> {
  const world = newWorld({ app: { sources: [SCRIPT, ICON] } })
  if (isStaged) await world.source(SCRIPT, script)
  await world.source(ICON, { text: 'an icon that only the build needs' })
  await world.built('app', { out: APP })
  return world
}
const narinfosWritten = (world: World) =>
  world.requests.flatMap(({ command, input }) =>
    command === 'PutObject' && input.Bucket === world.cache.name ? [input.Key] : [],
  )
const narinfo = (path: typeof SCRIPT) => `${hashPartOf(path)}.narinfo`

describe('a source that an output refers to is published with it', () => {
  test('signed, before the output, with its content address and no deriver; and no other source is', async () => {
    const world = await appWith({ text: 'print("hello")' })
    expect(await world.outcomes(['app'])).toEqual({ app: 'published' })
    expect(await expectSound(world)).toEqual([SCRIPT, out('app')].toSorted())
    expect(narinfosWritten(world)).toEqual([narinfo(SCRIPT), narinfo(out('app'))])
    const visible = (await visibleNarInfos(world)).find(({ storePath: path }) => path === SCRIPT)
    expect(visible?.ca).toBe(`fixed:r:${visible?.narHash}`)
    expect(visible).not.toHaveProperty('deriver')
  })

  test('with what it refers to itself, and so on, each before its referrer', async () => {
    const world = newWorld({ app: { sources: [SCRIPT] } })
    await world.source(ICON, { text: 'an icon' })
    await world.source(DATA, { text: `{ "icon": "${ICON}" }`, references: [ICON] })
    await world.source(SCRIPT, { text: `open("${DATA}")`, references: [DATA] })
    await world.built('app', { out: APP })
    expect(await world.outcomes(['app'])).toEqual({ app: 'published' })
    expect(await expectSound(world)).toHaveLength(4)
    expect(narinfosWritten(world)).toEqual([ICON, DATA, SCRIPT, out('app')].map(narinfo))
  })

  test('also one that only another source names, and the output mentions', async () => {
    const world = newWorld({ app: { sources: [SCRIPT] } })
    await world.source(DATA, { text: 'data' })
    await world.source(SCRIPT, { text: `open("${DATA}")`, references: [DATA] })
    await world.built('app', { out: { text: `less ${DATA}`, references: [DATA] } })
    expect(await world.outcomes(['app'])).toEqual({ app: 'published' })
    expect(await expectSound(world)).toEqual([DATA, out('app')].toSorted())
  })

  test('which refers to itself', async () => {
    const world = await appWith({ text: `see ${SCRIPT}`, references: [SCRIPT] })
    expect(await world.outcomes(['app'])).toEqual({ app: 'published' })
    expect(await expectSound(world)).toHaveLength(2)
  })

  test('what its text happens to mention is no reference: its content address says what it refers to', async () => {
    const world = await appWith({ text: `# like ${ICON} and ${out('app')}` })
    expect(await world.outcomes(['app'])).toEqual({ app: 'published' })
    const visible = (await visibleNarInfos(world)).find(({ storePath: path }) => path === SCRIPT)
    expect(visible?.references).toEqual([])
  })

  test('once for two derivations of a batch; its NAR is read once', async () => {
    const world = newWorld({ app: { sources: [SCRIPT] }, tool: { sources: [SCRIPT] } })
    await world.source(SCRIPT, { text: 'print("hello")' })
    await world.built('app', { out: APP })
    await world.built('tool', { out: { text: `exec ${SCRIPT}`, references: [SCRIPT] } })
    expect(await world.outcomes(['app', 'tool'])).toEqual({ app: 'published', tool: 'published' })
    expect(await expectSound(world)).toHaveLength(3)
    const { fileHash } = await stagedOutput(SCRIPT, { text: 'print("hello")' })
    const key = stagedKeys.nar(prefixOf(BUILD), fileHash)
    const reads = world.requests.filter(({ command, input }) => command === 'GetObject' && input.Key === key)
    expect(reads).toHaveLength(1)
  })
})

describe('a source that clients have already is not published again', () => {
  test('because an earlier run did, from another build', async () => {
    const world = await appWith({ text: 'print("hello")' })
    await world.built(
      'app',
      { out: { text: `other ${SCRIPT}`, references: [SCRIPT] } },
      { build: OTHER_BUILD },
    )
    await world.published(SCRIPT, { text: 'print("hello")' })
    expect(await world.outcomes(['app'], OTHER_BUILD)).toEqual({ app: 'published' })
    expect(narinfosWritten(world)).toEqual([narinfo(out('app'))])
  })

  test('because an upstream has it; which one is recorded', async () => {
    const world = await appWith({ text: 'print("hello")' })
    const key = generateSecretKey('upstream-1')
    const { info } = await stagedOutput(SCRIPT, { text: 'print("hello")' })
    const text = formatNarInfo({ ...info, signatures: [sign(fingerprint(info), key)] })
    const url = await serve((request, response) => {
      const isThere = request.url === `/${narinfo(SCRIPT)}`
      response.writeHead(isThere ? 200 : 404).end(isThere ? text : undefined)
    })
    world.upstreams.push({ url, publicKeys: [formatPublicKey(publicKeyOf(key))] })
    expect(await world.outcomes(['app'])).toEqual({ app: 'published' })
    expect(await expectSound(world, [SCRIPT])).toEqual([out('app')])
    const record = await world.get(world.state, stateKeys.published(hashPartOf(out('app'))))
    const { outputs } = JSON.parse(record?.toString('utf8') ?? '') as Published
    expect(outputs['out']?.leansOn).toEqual({ [url]: [SCRIPT] })
  })
})

describe('a source is what the archive of the evaluation proved it to be, or its referrer is refused', () => {
  const proved = { text: 'print("hello")' }
  const forged = { text: 'os.system("rm -rf ~")' }
  test.each<[string, (world: World) => Promise<void>, string]>([
    ['other bytes', (world) => world.stage(SCRIPT, forged), 'SourceDiffers'],
    [
      'other bytes, and a narinfo that says they are the right ones',
      async (world) => {
        const { info } = await stagedOutput(SCRIPT, proved)
        const { fileHash, fileSize } = (await stagedOutput(SCRIPT, forged)).info
        const lie = {
          ...info,
          url: `nar/${fileHash?.slice(7)}.nar.zst`,
          fileHash: fileHash ?? '',
          fileSize: fileSize ?? 0,
        }
        await world.stage(SCRIPT, { ...forged, info: lie })
      },
      'StagedBytesDiffer|StagedResultInvalid',
    ],
    ['a reference more', (world) => world.stage(SCRIPT, { ...proved, references: [ICON] }), 'SourceDiffers'],
    [
      'another content address than the proved one',
      (world) => world.stage(SCRIPT, { ...proved, info: { ca: 'text:sha256:0' } }),
      'StagedResultInvalid',
    ],
    ['no NAR', (world) => world.stage(SCRIPT, { ...proved, withoutNar: true }), 'StagedResultInvalid'],
    ['nothing', async () => undefined, 'ReferenceNotPublished'],
  ])('staged is %s', async (_, stage, error) => {
    const world = await appWith(proved, { isStaged: false })
    await world.source(SCRIPT, { ...proved, withoutNar: true, withoutNarInfo: true })
    await stage(world)
    const { app } = await world.outcomes(['app'])
    expect(app).toMatch(new RegExp(`^refused: (${error})$`))
    expect(await keysOf(world.cache)).toEqual([])
  })

  test('one that the archive does not hold is no source, though it is staged', async () => {
    const world = await appWith(proved)
    delete world.graph.sources[SCRIPT]
    expect(await world.outcomes(['app'])).toEqual({ app: 'refused: ReferenceNotPublished' })
    expect(await keysOf(world.cache)).toEqual([])
  })

  test('an output is no source: nobody publishes one derivation beside another', async () => {
    const world = newWorld({ app: { needs: ['lib'] }, lib: {} })
    await world.stage(out('lib'), { text: 'evil' })
    await world.built('app', { out: { text: `see ${out('lib')}`, references: [out('lib')] } })
    expect(await world.outcomes(['app'])).toEqual({ app: 'refused: InputNotPublished' })
    expect(await keysOf(world.cache)).toEqual([])
  })

  test('and none of a derivation that was refused for something else is published', async () => {
    const world = newWorld({ app: { sources: [SCRIPT] } })
    await world.source(SCRIPT, proved)
    await world.built('app', { out: { ...APP, info: { narSize: 1 } } })
    expect(await world.outcomes(['app'])).toEqual({ app: 'refused: StagedResultInvalid' })
    expect(await keysOf(world.cache)).toEqual([])
  })
})

test('the record of a derivation says of its sources all that is needed to publish them', async () => {
  const world = await appWith({ text: 'print("hello")' })
  await world.publish(['app'])
  const record = await world.get(world.state, stateKeys.published(hashPartOf(out('app'))))
  expect(JSON.parse(record?.toString('utf8') ?? '')).toMatchObject({
    drvPath: drv('app'),
    sources: [{ storePath: SCRIPT, ca: expect.stringMatching(/^fixed:r:sha256:/) as string }],
  })
})
