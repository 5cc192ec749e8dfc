import * as fc from 'fast-check'
import { longestPaths } from '../../../../functions/plan/longest-paths.ts'
import type { Schedule } from '../../../../functions/shared/contract.ts'
import { fromBaseName } from '../../../../nix/store-path.ts'

/** What a test says of a derivation; the rest is made up. */
export interface Sketch {
  seconds: number
  needs?: number[]
  /** of `needs`, beside those on other systems */
  needsPublished?: number[]
  system?: string
}

export function scheduleOf(sketches: Sketch[]): Schedule {
  const made = sketches.map(({ needs = [], ...rest }) => ({ needs, system: 'x86_64-linux', ...rest }))
  const paths = longestPaths(made)
  return {
    version: 1,
    run: 'run',
    wave: 1,
    derivations: made.map(({ seconds, needs, needsPublished = [], system }, position) => {
      const hash = `${position}`.padStart(32, '0')
      const foreign = needs.filter((need) => made[need]?.system !== system)
      return {
        drvPath: fromBaseName(`${hash}-package-${position}.drv`),
        outputs: { out: fromBaseName(`${hash}-package-${position}`) },
        inputs: [],
        system,
        seconds,
        needs,
        needsPublished: [...new Set([...needsPublished, ...foreign])],
        path: paths[position] ?? 0,
      }
    }),
  }
}

/** Any graph of up to 60 derivations on two systems. */
export const schedules: fc.Arbitrary<Schedule> = fc
  .array(
    fc.record({
      seconds: fc.oneof(fc.constant(0), fc.double({ min: 0.1, max: 5000, noNaN: true })),
      wanted: fc.array(fc.nat(), { maxLength: 4 }),
      waited: fc.array(fc.nat(), { maxLength: 1 }),
      system: fc.constantFrom('x86_64-linux', 'aarch64-darwin'),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((drawn) =>
    scheduleOf(
      drawn.map(({ seconds, wanted, waited, system }, position) => {
        const needs = position === 0 ? [] : [...new Set(wanted.map((one) => one % position))]
        return {
          seconds,
          system,
          needs,
          needsPublished: waited.flatMap((one) => needs[one % Math.max(needs.length, 1)] ?? []),
        }
      }),
    ),
  )
