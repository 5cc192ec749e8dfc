import { beforeEach, describe, expect, test } from 'vitest'
import { takeOverEvaluation } from '../../../../functions/plan/evaluation-copy.ts'
import { Buckets } from '../buckets.ts'

const RUN = 'push-acme-shells-1'
const BUILD = 'hearth-evaluator:1f6ab8c2'
const STAGED = 'staging/staging/AROAEVALUATOR:AWSCodeBuild-1f6ab8c2/'

const evaluation = {
  version: 1,
  run: RUN,
  target: {
    repository: 'acme/shells',
    ref: 'refs/heads/main',
    commit: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
  },
  nixVersion: '2.8.0',
  shells: [{ attribute: 'devShells.default', system: 'x86_64-linux', error: 'broken' }],
}
const withGraph = { ...evaluation, graph: { derivations: 3 }, archive: { sha256: 'abc', bytes: 7 } }

let buckets: Buckets
beforeEach(() => {
  buckets = new Buckets()
})
const stage = (files: Record<string, object | string>) => {
  for (const [name, content] of Object.entries(files)) buckets.put(STAGED + name, content)
}
const takeOver = () =>
  takeOverEvaluation(buckets.bucket('state'), buckets.bucket('staging'), 'AROAEVALUATOR', RUN, BUILD)

describe("the first wave takes the evaluation over from the evaluator's prefix", () => {
  test('with graph and archive, itself last', async () => {
    stage({ 'evaluation.json': withGraph, 'graph.json.zst': 'the graph', 'archive.zst': 'the archive' })
    expect(await takeOver()).toEqual(withGraph)
    expect(buckets.written).toEqual([
      `state/runs/${RUN}/graph.json.zst`,
      `state/runs/${RUN}/archive.zst`,
      `state/runs/${RUN}/plans/evaluation.json`,
    ])
    expect(buckets.text(`state/runs/${RUN}/graph.json.zst`)).toBe('the graph')
    expect(buckets.text(`state/runs/${RUN}/archive.zst`)).toBe('the archive')
  })

  test('without them, when no shell evaluates', async () => {
    stage({ 'evaluation.json': evaluation })
    expect(await takeOver()).toEqual(evaluation)
    expect(buckets.keys('state')).toEqual([`runs/${RUN}/plans/evaluation.json`])
  })
})

describe('every later wave reads the copy', () => {
  test('whatever the evaluator stages meanwhile', async () => {
    stage({ 'evaluation.json': evaluation })
    await takeOver()
    stage({ 'evaluation.json': { ...evaluation, nixVersion: 'altered' } })
    expect(await takeOver()).toEqual(evaluation)
  })
  test('also when the evaluator’s prefix has expired', async () => {
    stage({ 'evaluation.json': evaluation })
    await takeOver()
    buckets.objects.delete(`${STAGED}evaluation.json`)
    expect(await takeOver()).toEqual(evaluation)
  })
  test('and one that died half-way begins again', async () => {
    buckets.put(`state/runs/${RUN}/graph.json.zst`, 'the graph of a first attempt')
    stage({ 'evaluation.json': withGraph, 'graph.json.zst': 'the graph', 'archive.zst': 'the archive' })
    await takeOver()
    expect(buckets.text(`state/runs/${RUN}/graph.json.zst`)).toBe('the graph')
  })
})

describe('what an evaluator did not leave', () => {
  test.each([
    ['anything', {}, `the evaluator ${BUILD} left no evaluation: its log says what happened`],
    [
      'the graph',
      { 'evaluation.json': withGraph, 'archive.zst': 'the archive' },
      "the evaluator's staging/AROAEVALUATOR:AWSCodeBuild-1f6ab8c2/graph.json.zst is gone",
    ],
    [
      'the archive',
      { 'evaluation.json': withGraph, 'graph.json.zst': 'the graph' },
      "the evaluator's staging/AROAEVALUATOR:AWSCodeBuild-1f6ab8c2/archive.zst is gone",
    ],
  ])('%s', async (_, files, message) => {
    stage(files)
    await expect(takeOver()).rejects.toMatchObject({ name: 'EvaluationLost', message })
    expect(buckets.keys('state')).not.toContain(`runs/${RUN}/plans/evaluation.json`)
  })

  test('another build’s evaluation is not read in its stead', async () => {
    buckets.put('staging/staging/AROAEVALUATOR:AWSCodeBuild-other/evaluation.json', evaluation)
    await expect(takeOver()).rejects.toMatchObject({ name: 'EvaluationLost' })
  })
})

test('a source that gives nothing to warm ends the run with the name that the evaluator gave it', async () => {
  const error = { name: 'FlakeInvalid', message: 'flake.nix: syntax error at line 3' }
  stage({ 'evaluation.json': { ...evaluation, shells: [], error } })
  await expect(takeOver()).rejects.toMatchObject(error)
})
