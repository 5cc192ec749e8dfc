import { expect } from 'vitest'
import type { Sketch } from '../unit/functions/graphs.ts'
import { storePath } from '../unit/functions/graphs.ts'
import type { Output } from '../local/publish/staged-output.ts'
import { expectSound, keysOf } from '../local/publish/visible.ts'
import { BUILD, drv, out, type World } from '../local/publish/world.ts'
import { worldsForThisFile } from '../local/publish/world-of-this-file.ts'

/** What the hostile builder was asked to build, and what stands around it. */
const SKETCHES: Record<string, Sketch> = {
  glibc: {},
  app: { needs: ['glibc'] },
  tools: { needs: ['glibc'] },
}

/** What an honest builder leaves of `app`: long enough that something can be missing from it, and linked against glibc. */
export const HONEST: Output = {
  text: `#!${out('glibc')}/bin/sh\n${'a line of the program\n'.repeat(40)}`,
  references: [out('glibc')],
}
const GLIBC: Output = { text: 'the C library of every program' }
const TOOLS: Output = { text: `what nobody attacks, on ${out('glibc')}`, references: [out('glibc')] }

/** A path that nobody planned and that no cache has. */
export const UNRELATED = storePath('unrelated')

/** What the attacker stages instead of the honest output; its text is the honest one unless it says otherwise. */
export type Staged = Partial<Output>

/** A hostile builder's attack: what it stages of `app`, or whatever else its credentials let it do. */
export type Attack = Staged | ((world: World) => Promise<void>)

/** One line of a table: the attack as an auditor would call it, what the attacker does, the name of the error that refuses it. */
export type Line = [name: string, attack: Attack, refusal: string | string[], message?: RegExp]

/**
 * Worlds in which glibc is published, and one builder builds `app` and `tools` in one batch.
 * @param ways how the attacker stages: every small object by itself, or all of them in parcels, as an honest builder does
 * @returns plays an attack on `app`, in each of the ways: it is refused by this error, nothing of it is in the cache, and everything else goes on
 */
export function attacksOfABuilder(
  ways: ('single' | 'parcelled')[] = ['single', 'parcelled'],
): (line: Line) => Promise<void> {
  const newWorld = worldsForThisFile()
  return async (line) => {
    for (const way of ways) {
      const world = newWorld(SKETCHES)
      world.parcelled = way === 'parcelled'
      await play(world, line)
    }
  }

  async function play(world: World, [, attack, refusal, message = /./]: Line): Promise<void> {
    await world.published(out('glibc'), GLIBC)
    const before = await keysOf(world.cache)
    await world.built('tools', { out: TOOLS })
    if (typeof attack === 'function') await attack(world)
    else await world.built('app', { out: { ...HONEST, ...attack } })

    const told = await world.publish(['tools', 'app'])
    const app = told.find(({ drvPath }) => drvPath === drv('app'))
    expect([refusal].flat()).toContain(app?.error?.name)
    expect(app?.error?.message).toMatch(message)
    expect(app?.outcome).toBe(refusal === 'NotReproducible' ? 'not-reproducible' : 'refused')
    expect(told.find(({ drvPath }) => drvPath === drv('tools'))?.outcome).toBe('published')
    expect(await expectSound(world)).toEqual([out('glibc'), out('tools')].toSorted())
    // its narinfo and its NAR: no key more
    const added = (await keysOf(world.cache)).filter((key) => !before.includes(key))
    expect(added).toHaveLength(2)
  }
}

/** The same for a test of its own: a world with glibc published, and nothing staged. */
export function victimsOfThisFile(): () => Promise<World> {
  const newWorld = worldsForThisFile()
  return async () => {
    const world = newWorld(SKETCHES)
    await world.published(out('glibc'), GLIBC)
    return world
  }
}

export { BUILD, drv, out }
