import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { rememberEvaluation, reuseEvaluation } from '../../../../functions/plan/reuse-evaluation.ts'
import type { Evaluation, EvaluationJob } from '../../../../functions/shared/contract.ts'
import { evaluationIdentity } from '../../../../functions/shared/evaluation-identity.ts'
import { Buckets } from '../buckets.ts'
import { drv, out } from '../graphs.ts'

const EVALUATOR = { bundle: 'builders/x.zip', nixVersion: '2.34.8' }
const job = (run: string, ref = 'refs/heads/main'): EvaluationJob => {
  const asked: EvaluationJob = {
    kind: 'evaluate',
    run,
    target: { repository: 'acme/shells', ref, commit: '1'.repeat(40) },
    source: 'https://github.com/acme/shells.git',
    attributes: ['devShells'],
    systems: ['x86_64-linux'],
    limits: { secondsPerSystem: 1800, megabytes: 6144 },
    config: '2'.repeat(64),
  }
  return { ...asked, identity: evaluationIdentity(asked, EVALUATOR) }
}
const shell = { attribute: 'devShells.x86_64-linux.default', system: 'x86_64-linux' }
const evaluation: Evaluation = {
  version: 1,
  run: 'first',
  target: job('first').target,
  nixVersion: '2.34.8',
  shells: [{ ...shell, drvPath: drv('shell') }],
  archive: { sha256: '3'.repeat(64), bytes: 7 },
  round: {
    number: 2,
    build: 'hearth-evaluator:1',
    neededBefore: { 'devShells.default x86_64-linux': { [drv('plan')]: ['out'] } },
  },
}

let buckets: Buckets
beforeEach(() => {
  vi.stubEnv('BUILDER_BUNDLE', EVALUATOR.bundle)
  vi.stubEnv('NIX_VERSION', EVALUATOR.nixVersion)
  buckets = new Buckets()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

/** A run that has taken this evaluation over. */
async function first(changes: Partial<Evaluation> = {}, asked = job('first')): Promise<void> {
  const whole = { ...evaluation, ...changes }
  buckets.put('state/runs/first/plans/evaluation.json', whole)
  if (whole.archive !== undefined) {
    buckets.put('state/runs/first/graph.json.zst', 'the graph')
    buckets.put('state/runs/first/archive.zst', 'the archive')
  }
  await rememberEvaluation(buckets.bucket('state'), asked, whole)
}
const held = new Set<string>()
const next = (asked = job('next')) =>
  reuseEvaluation(
    buckets.bucket('state'),
    asked,
    async (paths) => new Set(paths.filter((path) => held.has(path))),
  )
const known = () => buckets.keys('state').filter((key) => key.startsWith('evaluations/'))

describe('an evaluation is used again', () => {
  test('and is the next run’s own, with graph and archive: nothing of it refers to the first', async () => {
    await first()
    const reused = await next(job('next', 'refs/heads/release'))
    expect(reused).toEqual({
      ...evaluation,
      run: 'next',
      target: { ...evaluation.target, ref: 'refs/heads/release' },
      round: { number: 1, build: 'hearth-evaluator:1', neededBefore: {} },
    })
    expect(buckets.json('state/runs/next/plans/evaluation.json')).toEqual(reused)
    expect(buckets.text('state/runs/next/graph.json.zst')).toBe('the graph')
    expect(buckets.text('state/runs/next/archive.zst')).toBe('the archive')
    expect(buckets.written.at(-1)).toBe('state/runs/next/plans/evaluation.json')
  })
  test('once: the next wave, and a Plan that is called again, read what the run has', async () => {
    await first()
    const reused = await next()
    for (const key of known()) buckets.objects.delete(`state/${key}`)
    expect(await next()).toEqual(reused)
  })
  test('also when no attribute evaluates, and there is neither graph nor archive', async () => {
    const { archive: _, ...without } = evaluation
    const broken: Evaluation = { ...without, shells: [{ ...shell, error: 'attribute missing' }] }
    buckets.put('state/runs/first/plans/evaluation.json', broken)
    await rememberEvaluation(buckets.bucket('state'), job('first'), broken)
    expect(await next()).toMatchObject({ run: 'next', shells: broken.shells })
  })
  test('by runs that used it again themselves', async () => {
    await first()
    await next()
    const second = await next()
    if (second === undefined) throw new Error('the first is there')
    await rememberEvaluation(buckets.bucket('state'), job('next'), second)
    buckets.objects.delete('state/runs/first/archive.zst')
    expect(await next(job('third'))).toMatchObject({ run: 'third' })
  })
})

describe('it is evaluated', () => {
  test('when an input of the flake was lost: only an evaluator brings it again', async () => {
    const [one, other] = [out('one'), out('other')]
    await first({ flakeInputs: [one, other] })
    held.add(one)
    expect(await next()).toBeUndefined()
    held.add(other)
    expect(await next()).toMatchObject({ run: 'next', flakeInputs: [one, other] })
  })

  test.each([
    ['when nobody has evaluated it', async () => undefined],
    [
      'when one attribute waits for an import',
      async () => first({ shells: [{ ...shell, needs: { [drv('plan')]: ['out'] } }] }),
    ],
    [
      'when what is wrong with an attribute may pass',
      async () => first({ shells: [{ ...shell, error: 'Couldn’t resolve host', isPassing: true }] }),
    ],
    [
      'when the evaluator was exchanged while the run was on its way: nobody knows which one it was',
      async () => {
        vi.stubEnv('BUILDER_BUNDLE', 'builders/y.zip')
        await first()
      },
    ],
    [
      'when the run that has it does not say what it follows from',
      async () => {
        const { identity: _, ...asked } = job('first')
        await first({}, asked)
      },
    ],
  ])('%s', async (_, arrange) => {
    await arrange()
    expect(known()).toEqual([])
    expect(await next()).toBeUndefined()
  })

  test.each(['plans/evaluation.json', 'graph.json.zst', 'archive.zst'])(
    'when the %s of the run that has it is gone, or is another one by now',
    async (key) => {
      await first()
      const place = `state/runs/first/${key}`
      buckets.put(place, '"another"')
      expect(await next()).toBeUndefined()
      buckets.objects.delete(place)
      expect(await next()).toBeUndefined()
      expect(buckets.keys('state')).not.toContain('runs/next/plans/evaluation.json')
    },
  )
})
