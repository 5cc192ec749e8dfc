import { describe, expect, test } from 'vitest'
import { derivationOf } from '../../../functions/shared/graph.ts'
import type { ReferenceRules } from '../../../nix/reference-rules.ts'
import { storePath } from '../../unit/functions/graphs.ts'
import { expectSound, visibleNarInfos } from './visible.ts'
import { drv, out, type World } from './world.ts'
import { worldsForThisFile } from './world-of-this-file.ts'

const newWorld = worldsForThisFile()
const SCRIPT = storePath('script.py')
const APP = {
  out: {
    text: `${out('lib')} ${out('app', 'doc')} ${SCRIPT}`,
    references: [out('lib'), out('app', 'doc'), SCRIPT],
  },
  doc: { text: 'words' },
}

/** `app` refers to `lib` (which refers to `libc`), to its other output and to a source. */
async function appWith(rules: ReferenceRules): Promise<World> {
  const world = newWorld({
    app: { outputs: ['out', 'doc'], needs: ['lib'], sources: [SCRIPT] },
    lib: { needs: ['libc'] },
    libc: {},
  })
  derivationOf(world.graph, drv('app'), '').referenceRules = rules
  const libc = await world.published(out('libc'), { text: 'the C library' })
  const lib = await world.published(out('lib'), { text: `see ${out('libc')}`, references: [out('libc')] })
  await world.source(SCRIPT, { text: 'print("hello")' })
  const inputs = { [out('lib')]: lib.narHash, [out('libc')]: libc.narHash }
  await world.built('app', APP, { inputs })
  return world
}

describe('an output that breaks a rule of its derivation is refused with all others, by name', () => {
  const everything = [out('lib'), 'doc', SCRIPT]
  test.each<[ReferenceRules, string]>([
    [{ out: { allowedReferences: everything } }, 'published'],
    [{ out: { allowedReferences: [out('lib'), 'doc'] } }, 'refused: ReferenceRuleBroken'],
    [{ out: { disallowedReferences: [SCRIPT] } }, 'refused: ReferenceRuleBroken'],
    [{ doc: { disallowedReferences: [SCRIPT] } }, 'published'],
    [{ out: { disallowedReferences: [out('libc')] } }, 'published'],
    [{ out: { disallowedRequisites: [out('libc')] } }, 'refused: ReferenceRuleBroken'],
    [{ out: { allowedRequisites: [...everything, out('libc')], ignoreSelf: true } }, 'published'],
    [{ out: { allowedRequisites: everything, ignoreSelf: true } }, 'refused: ReferenceRuleBroken'],
    [{ doc: { allowedRequisites: [], ignoreSelf: true } }, 'published'],
    [{ doc: { maxSize: 100 } }, 'refused: ReferenceRuleBroken'],
    [{ out: { maxClosureSize: 10_000 } }, 'published'],
    [{ out: { maxClosureSize: 700 } }, 'refused: ReferenceRuleBroken'],
  ])('%j', async (rules, expected) => {
    const world = await appWith(rules)
    expect(await world.outcomes(['app'])).toEqual({ app: expected })
    const visible = await expectSound(world)
    expect(visible).toHaveLength(expected === 'published' ? 5 : 2)
  })

  test('which says what is wrong', async () => {
    const world = await appWith({ out: { disallowedReferences: ['doc'] } })
    const [told] = await world.publish(['app'])
    expect(told?.error).toEqual({
      name: 'ReferenceRuleBroken',
      message: `${out('app')} breaks the rules of its derivation: disallowedReferences forbids ${out('app', 'doc')}`,
      retryable: false,
    })
  })
})

describe('an output with unsafeDiscardReferences mentions what it likes', () => {
  const discards: ReferenceRules = { out: { discardReferences: true } }
  async function image(references: typeof APP.out.references, rules = discards) {
    const world = newWorld({ image: { needs: ['lib'] }, lib: {} })
    derivationOf(world.graph, drv('image'), '').referenceRules = rules
    await world.published(out('lib'), { text: 'the library' })
    await world.built('image', { out: { text: `a disk image with ${out('lib')} in it`, references } })
    return world
  }
  test('and refers to nothing', async () => {
    const world = await image([])
    expect(await world.outcomes(['image'])).toEqual({ image: 'published' })
    const visible = (await visibleNarInfos(world)).find(({ storePath: path }) => path === out('image'))
    expect(visible?.references).toEqual([])
  })
  test('or to what it mentions: a builder with Nix 2.8 does not know better', async () => {
    const world = await image([out('lib')])
    expect(await world.outcomes(['image'])).toEqual({ image: 'published' })
  })
  test('but not to anything else', async () => {
    const world = await image([out('image')])
    expect(await world.outcomes(['image'])).toEqual({ image: 'refused: ReferencesDiffer' })
  })
  test('and no other output may', async () => {
    const world = await image([], { dev: { discardReferences: true } })
    expect(await world.outcomes(['image'])).toEqual({ image: 'refused: ReferencesDiffer' })
  })
})
