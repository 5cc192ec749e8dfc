import { describe, expect, test } from 'vitest'
import { judgeRound } from '../../../../functions/plan/evaluation-rounds.ts'
import type { DerivationOutputs } from '../../../../functions/shared/contract.ts'
import { drv, graphOf, out } from '../graphs.ts'

const graph = graphOf({
  plan: { outputs: ['out', 'json'] },
  packages: { needs: ['plan'] },
  floating: { outputs: [] },
})
const shell = { attribute: 'devShells.aarch64-linux.default', system: 'aarch64-linux' }
const round = (number: number, neededBefore: DerivationOutputs = {}) => ({
  number,
  build: 'hearth-evaluator:1',
  neededBefore: { [`${shell.attribute} ${shell.system}`]: neededBefore },
})
const both = { [drv('plan')]: ['json'], [drv('packages')]: ['out'] }

describe('an attribute that imports what no cache had', () => {
  test.each([
    ['nothing of it has come', both, [], round(1), 'waits'],
    ['a part of it has come', both, [out('plan', 'json')], round(1), 'waits'],
    ['another output has come', { [drv('plan')]: ['json'] }, [out('plan')], round(1), 'waits'],
    ['all of it has come', both, [out('plan', 'json'), out('packages')], round(1), 'is evaluated again'],
    [
      'more of it has come than was needed before',
      both,
      [out('plan', 'json'), out('packages')],
      round(2, { [drv('plan')]: ['json'] }),
      'is evaluated again',
    ],
    ['nobody knows where it would be', { [drv('floating')]: ['out'] }, [], round(1), 'waits'],
    [
      'it had come before, and the evaluator did not get it',
      { [drv('plan')]: ['out'] },
      [out('plan')],
      round(2, { [drv('plan')]: ['out'] }),
      'the evaluator did not get it',
    ],
    [
      'the tenth import leads to an eleventh',
      { [drv('plan')]: ['out'] },
      [out('plan')],
      round(10),
      '10 times over and still: next would be /nix/store/',
    ],
  ])('%s', (_, needs, held, of, expected) => {
    const { shells, ready } = judgeRound(graph, { shells: [{ ...shell, needs }], round: of }, new Set(held))
    const [judged] = shells
    expect(shells).toHaveLength(1)
    if (expected === 'waits' || expected === 'is evaluated again') {
      expect(judged).toEqual({ ...shell, needs })
      expect(ready).toEqual(expected === 'waits' ? [] : [shell.attribute])
    } else {
      expect(judged).toEqual({ ...shell, error: expect.stringContaining(expected) })
      expect(ready).toEqual([])
    }
  })

  test('the others stay as they are', () => {
    const others = [
      { ...shell, drvPath: drv('plan') },
      { ...shell, error: 'broken' },
    ]
    expect(judgeRound(graph, { shells: others }, new Set())).toEqual({ shells: others, ready: [] })
  })
})
