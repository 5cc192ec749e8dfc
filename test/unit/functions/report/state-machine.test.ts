import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { StateError } from '../../../../local/states/asl/errors.ts'
import type { Json } from '../../../../local/states/asl/json.ts'
import { execute } from '../../local/states/execute.ts'

const definition = readFileSync('statemachines/warm.asl.json', 'utf8').replaceAll(/\$\{(\w+)\}/g, '$1')
const { States } = JSON.parse(definition) as {
  States: Record<string, unknown>
}

/** What each function is asked, and what Report answers; the others have an easy run. */
async function run(
  resolved: string,
  planned: string | string[],
  report: (payload: Record<string, Json>) => Json,
) {
  const asked: [string, Json][] = []
  const plans = [planned].flat()
  const outcome = await execute(States, {
    startAt: 'Resolve',
    functions: (name, payload) => {
      const short = name.replace('FunctionArn', '')
      asked.push([short, payload])
      if (short === 'Resolve') return { verdict: resolved, job: 'runs/run/job.json', reason: 'so' }
      if (short === 'Plan') return { verdict: plans.shift() ?? 'done', lanes: [] }
      if (short === 'Record') return { verdict: [planned].flat().at(-1) ?? '' }
      return report(payload as Record<string, Json>)
    },
  })
  const reports = asked.flatMap(([name, payload]) => (name === 'Report' ? [payload] : []))
  return { ...outcome, order: asked.map(([name]) => name), reports: reports as Record<string, Json>[] }
}

const good = ({ ending }: Record<string, Json>): Json =>
  ending === undefined ? {} : { verdict: (ending as { verdict: Json }).verdict }
const unavailable = (): never => {
  throw new StateError('GitHubUnavailable', 'away')
}

describe('a run with work to do is announced before anything else', () => {
  test('one whose evaluation is known', async () => {
    const { order, reports, status } = await run('plan', 'done', good)
    expect(order).toEqual(['Resolve', 'Report', 'Plan', 'Record', 'Report'])
    expect(reports[0]).toEqual({ run: 'run', began: true })
    expect(status).toBe('SUCCEEDED')
  })
  test('and each wave is told when it is planned, before its lanes', async () => {
    const { order, reports } = await run('plan', ['build', 'build', 'done'], good)
    expect(order).toEqual([
      'Resolve',
      'Report',
      'Plan',
      'Report',
      'Plan',
      'Report',
      'Plan',
      'Record',
      'Report',
    ])
    expect(reports.slice(1, 3)).toEqual([
      { run: 'run', wave: 1 },
      { run: 'run', wave: 2 },
    ])
  })
  test('what GitHub does not take of it costs nothing', async () => {
    const { order } = await run('plan', ['build', 'done'], (payload) =>
      'wave' in payload ? unavailable() : good(payload),
    )
    expect(order).toEqual(['Resolve', 'Report', 'Plan', 'Report', 'Plan', 'Record', 'Report'])
  })
  test.each(['unchanged', 'ignored'])('not one that is %s', async (verdict) => {
    const { reports } = await run(verdict, 'done', good)
    expect(reports).toHaveLength(1)
    expect(reports[0]).toHaveProperty('ending')
  })
})

describe('a GitHub that is away changes no verdict', () => {
  test('of a beginning nobody tries again', async () => {
    const { order, status, seconds } = await run('plan', 'done', (payload) =>
      'began' in payload ? unavailable() : good(payload),
    )
    expect(order).toEqual(['Resolve', 'Report', 'Plan', 'Record', 'Report'])
    expect([status, seconds]).toEqual(['SUCCEEDED', 0])
  })

  test('the end is tried again for minutes, and then it is said that nobody was told', async () => {
    const { reports, status, seconds } = await run('plan', 'stuck', (payload) =>
      'ending' in payload && !('untold' in payload) ? unavailable() : good(payload),
    )
    const [, ...ends] = reports
    expect(ends).toHaveLength(7)
    expect(ends.at(-1)).toMatchObject({ untold: 'GitHubUnavailable', ending: { verdict: 'stuck' } })
    expect(status).toBe('SUCCEEDED')
    expect(seconds).toBeGreaterThan(5 * 60)
    expect(seconds).toBeLessThan(20 * 60)
  })

  test('one that comes back hears of the end', async () => {
    let tries = 0
    const { reports, status } = await run('plan', 'done', (payload) =>
      'ending' in payload && ++tries < 3 ? unavailable() : good(payload),
    )
    expect(reports.filter((payload) => 'ending' in payload)).toHaveLength(3)
    expect(status).toBe('SUCCEEDED')
  })

  test('a run that failed fails with its own error', async () => {
    const { status, error } = await run('plan', 'done', (payload) => {
      if (!('ending' in payload)) return {}
      if (!('untold' in payload)) throw new StateError('TypeError', 'a fault of Report')
      return { verdict: 'failed', error: { name: 'EvaluationLost', message: 'nothing left' } }
    })
    expect([status, error]).toEqual(['FAILED', 'EvaluationLost'])
  })
})
