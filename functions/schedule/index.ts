import { setTimeout as sleep } from 'node:timers/promises'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import pLimit from 'p-limit'
import * as z from 'zod/mini'
import { currentConfig } from '../shared/config.ts'
import type { RunId } from '../shared/contract.ts'
import { requireEnvironment } from '../shared/environment.ts'
import { tokenSource } from '../shared/github/token-source.ts'
import { voiceFor } from '../shared/github/voice.ts'
import { lambda, logger } from '../shared/lambda.ts'
import type { Config, RepositoryConfig } from '../shared/parse-config.ts'
import { executionName, startRun } from '../shared/start-run.ts'
import { slotOf } from './due.ts'
import { Failures } from './failures.ts'
import { headsOf } from './heads.ts'
import { knownRefs } from './known-refs.ts'
import { type MissedStart, type Start, type StartsOfRepository, toStart } from './to-start.ts'
import { webhookGrace } from './webhook-grace.ts'

const state = { s3: new S3Client({}), name: requireEnvironment('STATE_BUCKET') }
const sfn = new SFNClient({})
const tokens = tokenSource(new LambdaClient({}), requireEnvironment('TOKEN_FUNCTION'))

// Far below GitHub's 100 requests at once. Source: GitHub REST API, "About secondary rate limits".
const REPOSITORIES = 8
// StartExecution's quota refills with 25 a second in the smallest regions; the SDK waits when it is told to. Source: Step Functions, "Quotas related to API action throttling".
const STARTS = 10

/**
 * Schedule: every full hour it starts a run for every configured ref of the repositories that are due, and for what webhooks lost, whatever the schedule. The same event
 * again starts nothing twice. What fails for one repository keeps no other from being started; it is thrown at the end, and Lambda tries again.
 */
export const handler = lambda(z.object({ time: z.iso.datetime() }), async ({ time }) => {
  const { config } = await currentConfig(state)
  const failures = new Failures()
  const limit = pLimit(REPOSITORIES)
  const looks = await limit.map(config.repositories, (repository) =>
    failures.collect(repository.name, () => lookAt(config, repository, slotOf(time))),
  )
  const found = looks.flatMap((look) => look ?? [])
  const runs = await startAll(
    found.flatMap(({ now }) => now),
    failures,
  )
  const later = found.flatMap((look) => look.later)
  if (later.length > 0) {
    await sleep(webhookGrace(time, Date.now()))
    runs.push(...(await startAll(await stillMissed(later, failures), failures)))
  }
  failures.throwIfAny()
  return { runs }
})

async function lookAt(
  { github: { api } }: Config,
  repository: RepositoryConfig,
  slot: Date,
): Promise<StartsOfRepository> {
  const { github } = await voiceFor(tokens, api, { kind: 'contents', repository: repository.name })
  const known = await knownRefs(state, repository.name)
  const heads = await headsOf(github, repository)
  const starts = toStart(repository, heads, known, slot)
  const counts = { heads: heads.size, now: starts.now.length, later: starts.later.length }
  logger.info('looked', { repository: repository.name, ...counts })
  return starts
}

/** What no webhook has brought by now: no run of its ref is on record that was not before. */
async function stillMissed(starts: MissedStart[], failures: Failures): Promise<Start[]> {
  const byRepository = [...Map.groupBy(starts, ({ input }) => input.repository)]
  const missed = await pLimit(REPOSITORIES).map(byRepository, ([repository, ofIt]) =>
    failures.collect(repository, async () => {
      const known = await knownRefs(state, repository)
      return ofIt.filter(({ input: { ref }, newest }) => known.get(ref)?.newest.run === newest)
    }),
  )
  return missed.flatMap((still) => still ?? [])
}

async function startAll(starts: Start[], failures: Failures): Promise<RunId[]> {
  const machine = requireEnvironment('WARM_STATE_MACHINE')
  const runs = await pLimit(STARTS).map(starts, ({ input, unique }) =>
    failures.collect(`${input.repository} ${input.ref}`, async () => {
      const run = executionName(input.trigger, input.repository, unique)
      const started = await startRun(sfn, machine, run, input)
      logger.info('scheduled', { run, ...input, started })
      return run
    }),
  )
  return runs.flatMap((run) => run ?? [])
}
