import { describe, expect, test } from 'vitest'
import type { DerivationOutcome } from '../../../functions/shared/contract.ts'
import type { StorePath } from '../../../nix/store-path.ts'
import type { GanttRow } from '../../../scripts/chart/gantt.ts'
import { ganttOfLanes } from '../../../scripts/hearth/run/gantt-of-lanes.ts'
import type { RunTimes, TimedBatch } from '../../../scripts/hearth/run/run-times.ts'

const START = Date.parse('2026-11-22T12:00:00Z')
const at = (seconds: number): Date => new Date(START + seconds * 1000)
const drv = (name: string): StorePath => `/nix/store/${'0'.repeat(32)}-${name}.drv` as StorePath

/** A batch that was taken and ended so many seconds after the start; what became of its derivations, none when nobody said so. */
function batch(
  id: string,
  [taken, ended]: [number, number | undefined],
  outcomes: Record<string, DerivationOutcome['outcome']> | undefined,
  machine = 'AROA:mac-1',
): TimedBatch {
  const derivations = Object.keys(outcomes ?? { a: '' }).map((name) => ({
    drvPath: drv(name),
    outputs: {},
    inputs: [],
    needs: [],
    path: 1,
    isAwaited: false,
  }))
  return {
    job: {
      kind: 'build',
      run: 'run',
      wave: 1,
      batch: id,
      system: id.split('-').slice(1, -2).join('-'),
      archive: { key: '', sha256: '' },
      derivations,
      upstreams: [],
      publicKeys: [],
      maxNarSize: 1,
    },
    outcome: outcomes && {
      version: 1,
      run: 'run',
      wave: 1,
      batch: id,
      system: '',
      machine,
      said: '2026-03-12T18:00:00.000Z',
      derivations: Object.entries(outcomes).map(([name, outcome]) => ({
        drvPath: drv(name),
        outcome,
        seconds: 1.25,
      })),
    },
    taken: at(taken),
    ended: ended === undefined ? undefined : at(ended),
  }
}

const rows = (times: Partial<RunTimes>, now = 100): GanttRow[] =>
  ganttOfLanes(
    {
      run: 'run',
      target: 'acme/shells main',
      started: at(0),
      ended: undefined,
      plans: [{ verdict: 'build', at: at(5) }],
      batches: [],
      ...times,
    },
    at(now),
  )

describe('the lanes of a run', () => {
  test('have a row each, systems together, the tenth after the second', () => {
    const drawn = rows({
      batches: [
        '1-x86_64-linux-10-1',
        '1-x86_64-linux-2-1',
        '1-aarch64-darwin-1-1',
        '3-aarch64-darwin-1-1',
      ].map((id) => batch(id, [6, 9], { a: 'published' })),
    })
    expect(drawn.map(({ group, label, derivations }) => [group, label, derivations.length])).toEqual([
      ['evaluator', '', 0],
      ['aarch64-darwin', 'lane 1', 2],
      ['x86_64-linux', 'lane 2', 1],
      ['x86_64-linux', 'lane 10', 1],
    ])
  })

  test.each<[string, Record<string, DerivationOutcome['outcome']> | undefined, string]>([
    ['all of it is published', { a: 'published', b: 'already-published' }, 'built'],
    ['another build of it stands', { a: 'not-reproducible' }, 'built'],
    ['some of it failed', { a: 'published', b: 'failed' }, 'failed'],
    ['some of it needed what failed', { a: 'published', b: 'dependency-failed' }, 'failed'],
    ['its machine went', { a: 'published', b: 'lost', c: 'failed' }, 'lost'],
    ['nobody has said yet what became of it', undefined, 'batch'],
  ])('a batch of which %s', (_, outcomes, kind) => {
    const [, lane] = rows({ batches: [batch('1-x86_64-linux-1-1', [6, 9], outcomes)] })
    expect(lane?.derivations).toMatchObject([{ from: 6, to: 9, kind }])
  })

  test('a bar tells what was built, and how long each of it took', () => {
    const [, lane] = rows({
      batches: [batch('1-x86_64-linux-1-1', [6, 9], { glibc: 'published', ghc: 'failed' })],
    })
    expect(lane?.derivations[0]?.title).toBe('batch 1-x86_64-linux-1-1, 3 s: glibc 1.3 s, ghc failed 1.3 s')
  })

  test('a bar of many derivations tells a dozen of them', () => {
    const many = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`p${index}`, 'published' as const]),
    )
    const [, lane] = rows({ batches: [batch('1-x86_64-linux-1-1', [6, 9], many)] })
    expect(lane?.derivations[0]?.title).toMatch(/: p0 1.3 s, .*, p11 1.3 s, and 8 more$/)
  })

  test('a machine is there from the first batch that it had until the last; the next one is another', () => {
    const [, lane] = rows({
      batches: [
        batch('1-x86_64-linux-1-1', [6, 9], { a: 'published' }, 'AROA:one'),
        batch('1-x86_64-linux-1-2', [8, 20], { a: 'lost' }, 'AROA:one'),
        batch('1-x86_64-linux-1-3', [21, 30], { a: 'published' }, 'AROA:two'),
      ],
    })
    expect(lane?.machine.map(({ from, to, title }) => [from, to, title])).toEqual([
      [6, 20, 'machine AROA:one'],
      [21, 30, 'machine AROA:two'],
    ])
  })

  test.each([
    ['until now, while the run goes on', undefined, 100],
    ['until the run ended', at(50), 50],
  ])('a batch that nobody ended lasts %s', (_, ended, to) => {
    const [, lane] = rows({ ended, batches: [batch('1-x86_64-linux-1-1', [6, undefined], undefined)] })
    expect(lane?.derivations).toMatchObject([{ from: 6, to }])
  })
})

describe('the evaluator', () => {
  const plan = (verdict: 'build' | 'evaluate' | 'done', seconds: number): RunTimes['plans'][number] => ({
    verdict,
    at: at(seconds),
  })
  test.each<[string, RunTimes['plans'], [number, number][]]>([
    ['once, until the first plan', [plan('build', 5), plan('done', 40)], [[0, 5]]],
    [
      'again, when what was imported had come',
      [plan('build', 5), plan('evaluate', 20), plan('build', 26), plan('done', 40)],
      [
        [0, 5],
        [20, 26],
      ],
    ],
    [
      'until now, when it is at it',
      [plan('build', 5), plan('evaluate', 20)],
      [
        [0, 5],
        [20, 100],
      ],
    ],
  ])('works %s', (_, plans, expected) => {
    const [evaluator] = rows({ plans })
    expect(evaluator?.machine.map(({ from, to }) => [from, to])).toEqual(expected)
  })
})
