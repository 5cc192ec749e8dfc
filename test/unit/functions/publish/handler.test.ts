import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { mockClient } from 'aws-sdk-client-mock'
import { zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { handler as Handler } from '../../../../functions/publish/index.ts'
import { formatSecretKey, generateSecretKey } from '../../../../nix/signature.ts'
import { baseNameOf, hashPartOf } from '../../../../nix/store-path.ts'
import { formatGraph } from '../../../../functions/shared/graph-file.ts'
import { Buckets } from '../buckets.ts'
import { drv, graphOf, out, storePath } from '../graphs.ts'
import { captureLog, context } from '../lambda.ts'

const RUN = 'push-acme-shells-1'
const BUILD = 'hearth-builder:1f6ab8c2'
const BATCH = '1-x86_64-linux-1-1'
const JOB = `runs/${RUN}/batches/${BATCH}.json`
const OUTCOME = `state/runs/${RUN}/outcomes/${BATCH}.json`
const MACHINE = 'AROABUILDER:AWSCodeBuild-1f6ab8c2'
const WORKER = 'AROAWORKER:mini-1'
const key = formatSecretKey(generateSecretKey('cache-1'))

const secrets = mockClient(SecretsManagerClient)
let buckets: Buckets
let handler: typeof Handler
let log: { text(): string }
beforeEach(async () => {
  for (const name of ['STATE', 'STAGING', 'CACHE']) vi.stubEnv(`${name}_BUCKET`, name.toLowerCase())
  vi.stubEnv('BUILDER_ROLE_ID', 'AROABUILDER')
  vi.stubEnv('WORKER_ROLE_ID', 'AROAWORKER')
  vi.stubEnv('EVALUATOR_ROLE_ID', 'AROAEVALUATOR')
  vi.stubEnv('SIGNING_KEY', 'the-keys')
  log = captureLog()
  secrets.reset()
  secrets.on(GetSecretValueCommand).resolves({ SecretString: JSON.stringify({ keys: [key] }) })
  buckets = new Buckets()
  // it remembers graphs
  vi.resetModules()
  ;({ handler } = await import('../../../../functions/publish/index.ts'))
  buckets.put(`state/runs/${RUN}/graph.json.zst`, zstdCompressSync(formatGraph(graphOf({ app: {} }))))
  buckets.put(`state/${JOB}`, {
    kind: 'build',
    run: RUN,
    wave: 1,
    batch: BATCH,
    system: 'x86_64-linux',
    derivations: [{ drvPath: drv('app'), outputs: { out: out('app') }, inputs: [], needs: [] }],
    upstreams: [],
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

/** What a machine staged of this very batch. */
const said = (machine: string, result: object, batch = BATCH) => {
  const prefix = `staging/staging/${machine}/${RUN}/${batch}/`
  buckets.put(`${prefix}results/${baseNameOf(drv('app'))}.json`, {
    version: 1,
    drvPath: drv('app'),
    ...result,
  })
}
const publish = (more: object) => handler({ run: RUN, hand: [BATCH], ...more }, context)
const silent = { Error: 'States.HeartbeatTimeout', Cause: '' }
const outcome = (machine: string | null, derivation: object) => ({
  version: 1,
  run: RUN,
  wave: 1,
  batch: BATCH,
  system: 'x86_64-linux',
  machine,
  said: expect.any(String) as string,
  derivations: [{ drvPath: drv('app'), ...derivation }],
})
const broken = { status: 'failed', message: 'exit code 3', logTail: ['the end'] }
const brokenOutcome = {
  outcome: 'failed',
  error: { name: 'BuildFailed', message: 'exit code 3', retryable: false },
  logTail: ['the end'],
}

describe('what became of a batch is left for Plan', () => {
  test('of a build that ended', async () => {
    said(MACHINE, broken)
    expect(await publish({ build: BUILD })).toEqual({ verdict: 'done' })
    expect(buckets.json(OUTCOME)).toEqual(outcome(MACHINE, brokenOutcome))
  })

  test('of a build that died, and said something before', async () => {
    said(MACHINE, broken)
    await publish({ build: BUILD, failure: silent })
    expect(buckets.json(OUTCOME)).toEqual(outcome(MACHINE, brokenOutcome))
  })

  test('of a build that died, and said nothing', async () => {
    await publish({ build: BUILD, failure: silent })
    expect(buckets.json(OUTCOME)).toEqual(
      outcome(MACHINE, {
        outcome: 'lost',
        error: {
          name: 'BuilderLost',
          message: `its builder ${BUILD} was lost (States.HeartbeatTimeout) without a word about it: the build's log says more`,
          retryable: true,
        },
      }),
    )
  })

  test('of a build that could not be started: no key is even read', async () => {
    const failure = {
      Error: 'CodeBuild.AccountLimitExceededException',
      Cause: 'Cannot have more than 1 builds in queue',
    }
    await publish({ failure })
    expect(buckets.json(OUTCOME)).toEqual(
      outcome(null, {
        outcome: 'lost',
        error: {
          name: 'BuilderNotStarted',
          message:
            'no builder could be started (CodeBuild.AccountLimitExceededException: Cannot have more than 1 builds in queue)',
          retryable: true,
        },
      }),
    )
    expect(secrets.calls()).toEqual([])
  })

  test('of a Mac that died: nobody knows which it was, but there was one', async () => {
    await publish({ isWorker: true, failure: silent })
    expect(buckets.json(OUTCOME)).toEqual(
      outcome(null, {
        outcome: 'lost',
        error: {
          name: 'BuilderLost',
          message:
            "its builder on a worker was lost (States.HeartbeatTimeout) without a word about it: the build's log says more",
          retryable: true,
        },
      }),
    )
  })

  test('of a Mac, which says itself who it is', async () => {
    said(WORKER, broken)
    expect(await publish({ machine: WORKER })).toEqual({ verdict: 'done' })
    expect(buckets.json(OUTCOME)).toEqual(outcome(WORKER, brokenOutcome))
  })

  test('called again, the state machine sends back what it was told', async () => {
    said(MACHINE, broken)
    expect(await publish({ build: BUILD, verdict: 'again' })).toEqual({ verdict: 'done' })
  })
})

describe('only what this machine staged of this very batch is read', () => {
  const lost = (machine: string) => ({ machine, derivations: [{ outcome: 'lost' }] })

  test('not: what it staged of another batch', async () => {
    said(MACHINE, broken, '1-x86_64-linux-1-2')
    await publish({ build: BUILD })
    expect(buckets.json(OUTCOME)).toMatchObject(lost(MACHINE))
  })
  test('not: what another machine staged of it', async () => {
    said('AROABUILDER:AWSCodeBuild-other', broken)
    await publish({ build: BUILD })
    expect(buckets.json(OUTCOME)).toMatchObject(lost(MACHINE))
  })
  test.each([
    ['a CodeBuild builder', MACHINE],
    ['nobody that this deployment knows', 'AROASOMEBODY:mini-1'],
    ['a role whose id begins alike', 'AROAWORKER2:mini-1'],
  ])('a worker that says it is %s is refused', async (_, machine) => {
    said(machine, broken)
    await expect(publish({ machine })).rejects.toMatchObject({ name: 'UnknownWorker' })
    expect(buckets.json(OUTCOME)).toBeUndefined()
  })
})

describe('a build that failed is remembered', () => {
  const record = `state/failures/${hashPartOf(drv('app'))}.json`

  test('when it failed for a reason of its own', async () => {
    said(MACHINE, broken)
    await publish({ build: BUILD })
    expect(buckets.json(record)).toMatchObject({ drvPath: drv('app'), run: RUN, message: 'exit code 3' })
  })
  test('when Publish is killed in between, by the next one', async () => {
    said(MACHINE, broken)
    const key = record.slice('state/'.length)
    buckets.before = (request) => {
      if (request === `Put ${key}`) throw new Error('killed')
    }
    await expect(publish({ build: BUILD })).rejects.toThrow('killed')
    buckets.before = () => undefined
    await publish({ build: BUILD })
    expect(buckets.json(record)).toMatchObject({ drvPath: drv('app') })
  })
  test('not: when its machine failed it, and then it is tried again', async () => {
    said(MACHINE, { ...broken, logTail: ['cc1: error: No space left on device'] })
    await publish({ build: BUILD })
    expect(buckets.json(OUTCOME)).toMatchObject({ derivations: [{ error: { retryable: true } }] })
    expect(buckets.json(record)).toBeUndefined()
  })
})

describe('what is Publish’s own failure is thrown, and leaves no outcome', () => {
  test.each([
    [
      'no signing key',
      () => secrets.on(GetSecretValueCommand).resolves({ SecretString: '{"keys": []}' }),
      'NoSigningKey',
    ],
    ['no graph', () => buckets.objects.delete(`state/runs/${RUN}/graph.json.zst`), 'GraphLost'],
    ['no job', () => buckets.objects.delete(`state/${JOB}`), 'ObjectNotFound'],
  ])('%s', async (_, arrange, name) => {
    arrange()
    await expect(publish({ build: BUILD })).rejects.toMatchObject({ name })
    expect(buckets.json(OUTCOME)).toBeUndefined()
  })
})

test('the signing key is in no log line', async () => {
  said(MACHINE, broken)
  await publish({ build: BUILD })
  secrets.on(GetSecretValueCommand).resolves({ SecretString: key })
  await publish({ build: BUILD }).catch(() => undefined)
  expect(log.text()).toContain('published')
  expect(log.text()).not.toContain(key.slice('cache-1:'.length, 40))
})

describe('when its time runs out', () => {
  const drvs = ['a', 'b', 'c'].map((name) => drv(name))
  const hurry = (remaining: number) => ({ ...context, getRemainingTimeInMillis: () => remaining })
  beforeEach(() => {
    buckets.put(
      `state/runs/${RUN}/graph.json.zst`,
      zstdCompressSync(formatGraph(graphOf({ a: {}, b: {}, c: { needs: ['b'] } }))),
    )
    buckets.put(`state/${JOB}`, {
      kind: 'build',
      run: RUN,
      batch: BATCH,
      derivations: drvs.map((drvPath, index) => ({
        drvPath,
        outputs: {},
        inputs: [],
        needs: index === 2 ? drvs.slice(1, 2) : [],
      })),
      upstreams: [],
    })
  })
  const finished = () => (buckets.json(OUTCOME) as { derivations: object[] }).derivations.length

  test('it leaves what it has, and is called again until all is done; each call gets on', async () => {
    const call = (remaining: number) => handler({ run: RUN, hand: [BATCH], build: BUILD }, hurry(remaining))
    expect(await call(1000)).toEqual({ verdict: 'again' })
    expect(finished()).toBe(1)
    expect(await call(1000)).toEqual({ verdict: 'again' })
    expect(finished()).toBe(2)
    expect(await call(1000)).toEqual({ verdict: 'done' })
    expect(finished()).toBe(3)
  })
  test('with time enough one call does everything', async () => {
    expect(await handler({ run: RUN, hand: [BATCH], build: BUILD }, hurry(600_000))).toEqual({
      verdict: 'done',
    })
    expect(finished()).toBe(3)
  })
})

describe('while its machine is at work', () => {
  const SECOND = '1-x86_64-linux-1-2'
  const names = (batch: string): string[] => {
    const found = buckets.json(`state/runs/${RUN}/outcomes/${batch}.json`) as {
      derivations: { drvPath: string }[]
    }
    return found?.derivations.map(({ drvPath }) => drvPath.slice(44, -'.drv'.length))
  }
  const tell = (name: string, batch: string, result: object = broken) =>
    buckets.put(`staging/staging/${MACHINE}/${RUN}/${batch}/results/${baseNameOf(drv(name))}.json`, {
      version: 1,
      drvPath: drv(name),
      ...result,
    })
  const job = (batch: string, derivations: Record<string, string[]>) =>
    buckets.put(`state/runs/${RUN}/batches/${batch}.json`, {
      kind: 'build',
      run: RUN,
      batch,
      derivations: Object.entries(derivations).map(([name, needs]) => ({
        drvPath: drv(name),
        outputs: {},
        inputs: [],
        needs: needs.map((need) => drv(need)),
      })),
      upstreams: [],
    })
  const look = (more: object) =>
    handler(
      { run: RUN, hand: [BATCH, SECOND], build: BUILD, ...more },
      { ...context, getRemainingTimeInMillis: () => 600_000 },
    )
  beforeEach(() => {
    const graph = graphOf({ a: {}, b: {}, c: { needs: ['a'] } })
    buckets.put(`state/runs/${RUN}/graph.json.zst`, zstdCompressSync(formatGraph(graph)))
    job(BATCH, { a: [], b: [] })
    job(SECOND, { c: ['a'] })
  })

  test('what it has finished is published, and nothing is said of the rest', async () => {
    tell('b', BATCH)
    expect(await look({ isAtWork: true })).toEqual({ verdict: 'done' })
    expect(names(BATCH)).toEqual(['b'])
    expect(names(SECOND)).toBeUndefined()
  })
  test('what needs something that is not staged yet waits for it, in another batch as well', async () => {
    tell('c', SECOND)
    await look({ isAtWork: true })
    expect(names(SECOND)).toBeUndefined()
    tell('a', BATCH)
    await look({ isAtWork: true })
    expect([names(BATCH), names(SECOND)]).toEqual([['a'], ['c']])
  })
  test('nothing that was said is said again', async () => {
    tell('b', BATCH)
    await look({ isAtWork: true })
    const before = buckets.written.length
    await look({ isAtWork: true })
    expect(buckets.written.slice(before)).toEqual([])
  })
  test.each([
    ['it has nothing in hand any more', {}],
    ['it is lost, whatever it said last', { failure: silent, isAtWork: false }],
  ])('when %s, what it has not spoken of is lost', async (_, more) => {
    tell('a', BATCH)
    await look({ isAtWork: true })
    expect(await look(more)).toEqual({ verdict: 'done' })
    expect([names(BATCH), names(SECOND)]).toEqual([['a', 'b'], ['c']])
    expect(buckets.json(`state/runs/${RUN}/outcomes/${SECOND}.json`)).toMatchObject({
      derivations: [{ outcome: 'lost' }],
    })
  })
})

describe('what is finished is not done again', () => {
  const told = {
    ...outcome(MACHINE, { outcome: 'published', bytes: 4711 }),
    said: '2026-03-12T18:00:00.000Z',
  }
  test('a call after the last one changes nothing, and bytes that were added stay counted', async () => {
    buckets.put(OUTCOME, told)
    expect(await publish({ build: BUILD })).toEqual({ verdict: 'done' })
    expect(buckets.json(OUTCOME)).toEqual(told)
  })
  test('but what another build of the batch gave says nothing', async () => {
    buckets.put(OUTCOME, { ...told, machine: 'AROABUILDER:AWSCodeBuild-other' })
    said(MACHINE, broken)
    await publish({ build: BUILD })
    expect(buckets.json(OUTCOME)).toEqual(outcome(MACHINE, brokenOutcome))
  })
})

describe('the inputs of a flake', () => {
  const input = storePath('one-source')
  const wanted = (flakeInputs?: boolean): void => {
    buckets.put(`state/runs/${RUN}/job.json`, {
      kind: 'evaluate',
      target: { repository: 'acme/shells' },
      config: 'abc',
      flakeInputs,
    })
    buckets.put('state/config/abc.json', {
      version: 1,
      sha256: 'abc',
      config: { upstreams: [], limits: { nar: { gigabytes: 20 } } },
    })
    buckets.put(`state/runs/${RUN}/plans/evaluation.json`, {
      version: 1,
      round: { number: 1, build: 'hearth-evaluator:1', neededBefore: {} },
      flakeInputs: [input],
    })
  }
  const publishInputs = () => handler({ mode: 'inputs', run: RUN }, context)

  test('are looked for where their evaluator staged them; what became of them is left for Plan', async () => {
    wanted(true)
    const read: string[] = []
    buckets.before = (request) => void read.push(request)
    expect(await publishInputs()).toEqual({ verdict: 'done' })
    expect(read).toContain(`Get staging/AROAEVALUATOR:AWSCodeBuild-1/inputs/${hashPartOf(input)}.narinfo`)
    expect(buckets.json(`state/runs/${RUN}/inputs.json`)).toEqual({
      version: 1,
      build: 'hearth-evaluator:1',
      refused: { [input]: expect.stringContaining('its evaluator did not stage it') as string },
    })
  })
  test.each([[undefined], [false]])(
    'are not published when hearth.yml says %s of them, whatever the evaluator says',
    async (flakeInputs) => {
      wanted(flakeInputs)
      await expect(publishInputs()).rejects.toMatchObject({
        name: 'InputsNotWanted',
        message: expect.stringContaining('acme/shells') as string,
      })
      expect(buckets.keys('cache')).toEqual([])
    },
  )
})
