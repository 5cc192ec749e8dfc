import { CodeBuildClient } from '@aws-sdk/client-codebuild'
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge'
import { mockClient } from 'aws-sdk-client-mock'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { handler as Handler } from '../../../../functions/report/index.ts'
import { storedConfig } from '../../../../functions/shared/config.ts'
import { writeSchedule } from '../../../../functions/shared/schedule-file.ts'
import { batchDerivation, became, jobOf, outcomeOf } from '../batches.ts'
import { Buckets } from '../buckets.ts'
import { drv, out } from '../graphs.ts'
import { captureLog, context } from '../lambda.ts'
import { CONFIG } from '../resolve/config.ts'

const RUN = 'run-1'
const X86 = 'x86_64-linux'
const MAC = 'aarch64-darwin'
const SUMMARY = `state/runs/${RUN}/summary.json`
const INPUT = { trigger: 'push', repository: 'acme/shells', ref: 'refs/heads/main', delivery: 'd-1' }

let buckets: Buckets
let handler: typeof Handler
let log: ReturnType<typeof captureLog>
beforeEach(async () => {
  vi.stubEnv('STATE_BUCKET', 'state')
  vi.stubEnv('TOKEN_FUNCTION', 'token')
  vi.stubEnv('WARM_EXECUTIONS', 'arn:aws:states:eu-central-1:123456789012:execution:hearth-prod-warm')
  log = captureLog()
  mockClient(CodeBuildClient)
  mockClient(EventBridgeClient)
    .on(PutEventsCommand)
    .resolves({ Entries: [{ EventId: '1' }] })
  buckets = new Buckets()
  // a deployment of somebody else's repositories: GitHub is told nothing
  buckets.put('state/config/current.json', storedConfig({ ...CONFIG, repositories: [] }))
  ;({ handler } = await import('../../../../functions/report/index.ts'))
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const byState = (ending: object, input: unknown = INPUT) => handler({ run: RUN, input, ending }, context)
const byEvent = (status: string) =>
  handler(
    {
      'detail-type': 'Step Functions Execution Status Change',
      detail: { name: RUN, status, input: JSON.stringify(INPUT), error: null, cause: null },
    },
    context,
  )
const failure = { Error: 'EvaluationLost', Cause: '{"errorMessage":"nothing left"}' }

describe('every run ends in a summary', () => {
  test('that says what it was started with, and hands the verdict on', async () => {
    expect(await byState({ verdict: 'ignored', reason: 'not configured' })).toEqual({ verdict: 'ignored' })
    expect(buckets.json(SUMMARY)).toMatchObject({
      run: RUN,
      verdict: 'ignored',
      trigger: 'push',
      target: { repository: 'acme/shells', ref: 'refs/heads/main' },
      reason: 'not configured',
    })
  })

  test('a failure hands its error on, for the Fail state', async () => {
    expect(await byState({ verdict: 'failed', failure })).toEqual({
      verdict: 'failed',
      error: { name: 'EvaluationLost', message: 'nothing left' },
    })
  })

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['text', 'main'],
    ['fields of the wrong type', { repository: ['acme/shells'], ref: 7, trigger: {} }],
  ])('also when the run was started with %s', async (_, input) => {
    await byState({ verdict: 'failed', failure }, input)
    expect(buckets.json(SUMMARY)).toMatchObject({ verdict: 'failed', target: {} })
  })

  test('with the target that Resolve found', async () => {
    const target = { repository: 'acme/shells', ref: 'refs/heads/main', commit: 'c'.repeat(40) }
    buckets.put(`state/runs/${RUN}/job.json`, { kind: 'evaluate', target })
    await byState({ verdict: 'failed', failure })
    expect(buckets.json(SUMMARY)).toMatchObject({ target })
  })
})

describe('while lanes work', () => {
  test('a shell is warm when its own warm set has come, whatever is missing for others', async () => {
    const shell = (attribute: string, system: string, ...names: string[]) => ({
      attribute,
      system,
      status: 'cold' as const,
      paths: names.map((name) => out(name)),
    })
    const failed = { attribute: 'broken', system: X86, status: 'failed' as const, paths: [] }
    const shells = [
      shell('a', X86, 'old', 'lib'),
      shell('b', X86, 'lib', 'app'),
      shell('c', MAC, 'mac'),
      failed,
    ]
    buckets.put(`state/runs/${RUN}/plans/1.json`, { version: 1, run: RUN, wave: 1, shells })
    await writeSchedule(buckets.bucket('state'), {
      version: 1,
      run: RUN,
      wave: 1,
      target: { repository: 'acme/shells', ref: 'refs/heads/main', commit: 'c'.repeat(40) },
      machines: {},
      job: { archive: { key: 'archive', sha256: '' }, upstreams: [], publicKeys: [], maxNarSize: 1 },
      derivations: ['lib', 'app', 'mac'].map((name) => ({
        ...batchDerivation(name),
        system: name === 'mac' ? MAC : X86,
        needs: [],
        needsPublished: [],
        seconds: 1,
      })),
    })
    const batch = `1-${X86}-1-1`
    const job = jobOf(RUN, batch, [batchDerivation('lib'), batchDerivation('app')])
    buckets.put(`state/runs/${RUN}/batches/${batch}.json`, job)
    const said = outcomeOf(RUN, batch, [became(drv('lib'), 'published')])
    buckets.put(`state/runs/${RUN}/outcomes/${batch}.json`, said)
    const target = { repository: 'acme/shells', ref: 'refs/heads/main', commit: 'c'.repeat(40) }
    buckets.put(`state/runs/${RUN}/job.json`, { kind: 'evaluate', run: RUN, target })

    expect(await handler({ run: RUN, wave: 1 }, context)).toEqual({})
    expect(buckets.json(`state/runs/${RUN}/standing.json`)).toEqual({
      version: 1,
      run: RUN,
      wave: 1,
      shells: [
        { attribute: 'a', system: X86, status: 'warm', missing: 0 },
        { attribute: 'b', system: X86, status: 'cold', missing: 1 },
        { attribute: 'c', system: MAC, status: 'cold', missing: 1 },
        { attribute: 'broken', system: X86, status: 'failed', missing: 0 },
      ],
    })
    expect(buckets.json(SUMMARY)).toBeUndefined()
  })
})

describe('what could not be told', () => {
  test('does not change how the run ended, and is loud', async () => {
    const ending = { verdict: 'done' }
    const request = { run: RUN, input: INPUT, ending, untold: 'GitHubUnavailable' }
    expect(await handler(request, context)).toEqual({ verdict: 'done' })
    expect(buckets.json(SUMMARY)).toMatchObject({ verdict: 'done' })
    expect(log.text()).toContain('it was tried again and again: GitHubUnavailable')
    expect(log.text()).toContain('RunsNotTold')
  })
})

describe('asked twice, it says the same', () => {
  test('by its state', async () => {
    const first = await byState({ verdict: 'failed', failure })
    const said = buckets.text(SUMMARY)
    expect(await byState({ verdict: 'failed', failure })).toEqual(first)
    expect(buckets.text(SUMMARY)).toBe(said)
  })

  test('by EventBridge after its state: what the state said stands', async () => {
    await byState({ verdict: 'failed', failure })
    const said = buckets.text(SUMMARY)
    expect(await byEvent('FAILED')).toEqual({ verdict: 'failed' })
    expect(buckets.text(SUMMARY)).toBe(said)
  })

  test('by EventBridge alone, because the execution was aborted', async () => {
    await byEvent('ABORTED')
    expect(buckets.json(SUMMARY)).toMatchObject({
      verdict: 'failed',
      error: { name: 'ExecutionAborted', message: 'Step Functions says ABORTED' },
      target: { repository: 'acme/shells' },
    })
  })

  test('by its state after EventBridge: the state knows better', async () => {
    await byEvent('ABORTED')
    await byState({ verdict: 'done' })
    expect(buckets.json(SUMMARY)).toMatchObject({ verdict: 'done' })
  })
})

test('what neither of them asks is refused', async () => {
  await expect(handler({ run: RUN }, context)).rejects.toMatchObject({ name: 'InvalidInput' })
})
