import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { storedConfig } from '../../../functions/shared/config.ts'
import type { RepositoryConfig } from '../../../functions/shared/parse-config.ts'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { clientAs, deployedForThisFile, s3As } from '../../adversary/deployed.ts'
import { CONFIG } from '../../unit/functions/resolve/config.ts'
import { fakeGitHub, type FakeRepository, shaOf } from '../../unit/functions/schedule/fake-github.ts'

/*
 * The schedule of the packaged template, with its own role and the token function's, against a GitHub that answers by HTTP. What it starts is not evaluated: GitHub
 * lists the branches, and knows them no more when Resolve asks, or has lost them in earnest.
 */
const deployed = deployedForThisFile()
// long ago: no webhook is waited for
const FRIDAY = '2026-03-13T19:00:00Z'

let s3: S3Client
let sfn: SFNClient
let lambda: LambdaClient
beforeAll(() => {
  s3 = s3As(deployed)
  sfn = new SFNClient(clientAs(deployed))
  lambda = new LambdaClient(clientAs(deployed))
})
afterAll(() => {
  for (const client of [s3, sfn, lambda]) client.destroy()
})

const inState = (Key: string) => ({ Bucket: deployed.stack.physicalId('StateBucket'), Key })
const write = (key: string, value: object) =>
  s3.send(new PutObjectCommand({ ...inState(key), Body: JSON.stringify(value) }))

/** A company whose repositories are named by what GitHub says of them. */
async function deploy(there: Record<string, FakeRepository>): Promise<void> {
  const { api } = await fakeGitHub(there)
  const [like] = CONFIG.repositories as [RepositoryConfig]
  const repositories = Object.keys(there).map((name) => ({ ...like, name, tags: [] }))
  const config = { ...CONFIG, repositories, github: { ...CONFIG.github, api } }
  await write(stateKeys.currentConfig, storedConfig(config))
}

async function fire(time: string): Promise<unknown> {
  const { Payload } = await lambda.send(
    new InvokeCommand({
      FunctionName: deployed.stack.physicalId('ScheduleLambdaFunction'),
      Payload: JSON.stringify({ time }),
    }),
  )
  return JSON.parse(Payload?.transformToString() ?? 'null')
}

/** All runs so far. */
async function runs(): Promise<{ status: string; input: unknown }[]> {
  const stateMachineArn = deployed.stack.physicalId('WarmStateMachine')
  const { executions = [] } = await sfn.send(new ListExecutionsCommand({ stateMachineArn }))
  return Promise.all(
    executions.map(async ({ executionArn }) => {
      const { status = '', input } = await sfn.send(new DescribeExecutionCommand({ executionArn }))
      return { status, input: JSON.parse(input ?? 'null') }
    }),
  )
}

describe('a full hour', () => {
  test('starts what webhooks lost, has a look taken at what is gone, and names the repository that GitHub does not show', async () => {
    await deploy({
      'acme/shells': { branches: ['main', 'release/1'], isListOnly: true },
      'acme/hidden': { isHidden: true },
      'acme/tools': { branches: ['main'] },
    })
    const newest = (commit: string) => ({
      version: 1,
      run: 'r',
      commit,
      started: '2026-03-12T12:00:00.000Z',
    })
    // of acme/shells nothing is on record; of acme/tools a branch that GitHub has, and one that it has no more
    await write(stateKeys.newestRun('acme/tools', 'refs/heads/main'), newest(shaOf('main')))
    await write(stateKeys.newestRun('acme/tools', 'refs/heads/release/0'), newest('f'.repeat(40)))

    expect(await fire(FRIDAY)).toMatchObject({
      errorType: 'ScheduleIncomplete',
      errorMessage: expect.stringContaining('acme/hidden: GitHubRefused') as string,
    })
    const lost = { trigger: 'schedule', repository: 'acme/shells' }
    await expect
      .poll(async () => (await runs()).map(({ status }) => status), { timeout: 60_000 })
      .toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED'])
    expect((await runs()).map(({ input }) => input)).toEqual(
      expect.arrayContaining([
        { ...lost, ref: 'refs/heads/main', commit: shaOf('main') },
        { ...lost, ref: 'refs/heads/release/1', commit: shaOf('release/1') },
        { trigger: 'delete', repository: 'acme/tools', ref: 'refs/heads/release/0' },
      ]),
    )
    const record = await s3.send(
      new GetObjectCommand(inState(stateKeys.deletedRef('acme/tools', 'refs/heads/release/0'))),
    )
    expect(JSON.parse((await record.Body?.transformToString()) ?? '')).toMatchObject({
      version: 1,
      repository: 'acme/tools',
      ref: 'refs/heads/release/0',
    })

    // as Lambda does with an event that failed
    await fire(FRIDAY)
    expect(await runs()).toHaveLength(3)
  })
})
