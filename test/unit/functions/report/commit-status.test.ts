import { describe, expect, test } from 'vitest'
import { commitStatusOf } from '../../../../functions/report/commit-status.ts'
import type { RunReport } from '../../../../functions/report/run-report.ts'
import { LINK, runReport, shell } from './run-reports.ts'

const working = { verdict: undefined } as unknown as Partial<RunReport>

describe('a commit status says in a line how a run stands', () => {
  const cases: [string, Partial<RunReport>, string, string][] = [
    ['just begun', { ...working, shells: [], outcomes: [] }, 'pending', 'Looking for what is missing'],
    ['all warm, some built', {}, 'success', '3 of 3 shells are warm: 3 built in 4 min, 120.5 MB added'],
    ['all warm before', { outcomes: [] }, 'success', '3 of 3 shells are warm'],
    [
      'nothing new',
      { verdict: 'unchanged', reason: 'warmed before', shells: [], outcomes: [] },
      'success',
      'warmed before',
    ],
    [
      'one does not evaluate',
      { shells: [shell('a', 'failed')], outcomes: [] },
      'failure',
      'The shell is not warm',
    ],
    ['stuck', { verdict: 'stuck', outcomes: [] }, 'failure', '3 of 3 shells are warm'],
    [
      'a newer commit',
      { verdict: 'superseded', supersededBy: 'abcdef0123', outcomes: [] },
      'error',
      'Superseded by abcdef0: 3 of 3 shells are warm by then',
    ],
    [
      'it broke',
      { verdict: 'failed', error: { name: 'Boom', message: 'x' }, outcomes: [] },
      'error',
      'The run failed: Boom: x',
    ],
    [
      'the flake is broken',
      { verdict: 'failed', error: { name: 'FlakeDoesNotEvaluate', message: 'x' }, outcomes: [] },
      'failure',
      'The run failed: FlakeDoesNotEvaluate: x',
    ],
  ]
  test.each(cases)('%s', (_, more, state, description) => {
    expect(commitStatusOf(runReport(more))).toEqual({
      state,
      description,
      context: 'hearth',
      target_url: LINK,
    })
  })

  test('of 140 characters at most', () => {
    const error = { name: 'Boom', message: 'x'.repeat(500) }
    expect(commitStatusOf(runReport({ verdict: 'failed', error })).description).toHaveLength(140)
  })

  test('and that of a partial run does not stand for the commit', () => {
    expect(commitStatusOf(runReport({ isPartial: true })).context).toBe('hearth (attributes)')
  })
})
