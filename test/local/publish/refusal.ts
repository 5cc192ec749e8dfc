import { expect } from 'vitest'
import type { Sketch } from '../../unit/functions/graphs.ts'
import type { Output } from './staged-output.ts'
import { expectSound, keysOf } from './visible.ts'
import { drv, type World } from './world.ts'

/** One derivation, of which this was staged, is refused with this error. */
export type Refusal = [
  what: string,
  output: Omit<Output, 'text'> & { text?: string },
  error: string | string[],
  message: RegExp,
]

export const TEXT = 'a program, long enough that something can be missing from it: '.repeat(20)

/** Publishes it, and expects that it is refused and that nothing at all of it is in the cache. */
export async function expectRefused(
  newWorld: (sketches: Record<string, Sketch>) => World,
  [, output, error, message]: Refusal,
): Promise<void> {
  const world = newWorld({ app: {} })
  await world.built('app', { out: { text: TEXT, ...output } })
  const [told] = await world.publish(['app'])
  expect(told).toMatchObject({ drvPath: drv('app'), outcome: 'refused', error: { retryable: false } })
  expect([error].flat()).toContain(told?.error?.name)
  expect(told?.error?.message).toMatch(message)
  expect(await expectSound(world)).toEqual([])
  expect(await keysOf(world.cache)).toEqual([])
}
