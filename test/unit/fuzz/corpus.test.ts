import { describe, expect, test } from 'vitest'
import { inputOf, run } from '../../fuzz/execution.ts'
import { loadSubjects } from '../../fuzz/targets.ts'

// 1,000 for each of the seven take some seconds; `npm run fuzz` is for more.
const EXECUTIONS = 1000

describe.each(loadSubjects().map((subject) => ({ name: subject.target.name, subject })))(
  '$name',
  ({ name, subject }) => {
    const { target, real, regressions } = subject

    test('what Nix made is taken', async () => {
      expect(real.length).toBeGreaterThan(0)
      for (const input of real) expect(await target.check(input)).toBe(true)
    })

    test('what once was a finding is none', async () => {
      for (const input of regressions) expect((await run(subject, input)).error).toBeUndefined()
    })

    test(`${EXECUTIONS} mutated inputs: nothing is wrong, some are taken and some are not`, async () => {
      let taken = 0
      for (let index = 0; index < EXECUTIONS; index++) {
        const { error, taken: isTaken } = await run(
          subject,
          inputOf({ seed: 1, target: name, index }, subject),
        )
        expect(error, `execution ${index}`).toBeUndefined()
        if (isTaken) taken++
      }
      expect(taken).toBeGreaterThan(EXECUTIONS / 100)
      expect(taken).toBeLessThan(EXECUTIONS * 0.9)
    })
  },
)
