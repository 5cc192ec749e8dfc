import { execFileSync } from 'node:child_process'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { ListExecutionsCommand } from '@aws-sdk/client-sfn'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { findJson } from '../../../functions/shared/objects.ts'
import type { DeletedRef } from '../../../functions/shared/records.ts'
import { deliver } from '../../../local/demo/push.ts'
import { endOfRun, type EndedRun } from '../../../local/demo/run.ts'
import { REGION } from '../../../local/gateway/service.ts'
import { checkRunWebhook } from '../../../local/github/check-run-webhook.ts'
import { checkSuiteWebhook } from '../../../local/github/check-suite-webhook.ts'
import { createWebhook } from '../../../local/github/create-webhook.ts'
import { deleteWebhook } from '../../../local/github/delete-webhook.ts'
import type { CheckRun, CommitStatus } from '../../../local/github/github.ts'
import { installationRepositoriesWebhook } from '../../../local/github/installation-repositories-webhook.ts'
import { installationWebhook } from '../../../local/github/installation-webhook.ts'
import { pingWebhook } from '../../../local/github/ping-webhook.ts'
import { pushWebhook, NO_COMMIT } from '../../../local/github/push-webhook.ts'
import { nameOf } from '../../../nix/store-path.ts'
import { startTestCompany, type TestCompany } from './company-on-one-machine.ts'

/** Every event that GitHub has for Hearth goes through the webhook and the state machine, and GitHub is told what became of it. */

const FLAKE = `{
  outputs = { self }: {
    devShells = builtins.listToAttrs (map (system: { name = system; value =
      let
        packages = import ./packages.nix { inherit system; };
        inherit (packages) mkShell make libformat;
        doomed = make { name = "doomed"; script = "echo the last words of doomed; exit 1"; };
      in {
        fine = mkShell { name = "fine"; packages = [ libformat ]; };
        bad = mkShell { name = "bad"; packages = [ doomed ]; };
      };
    }) [ "x86_64-linux" "aarch64-linux" ]);
  };
}`

let company: TestCompany
let first: EndedRun
beforeAll(async () => {
  company = await startTestCompany({ secondsPerSystem: 120, megabytes: 2048 })
  await company.configure((config) => ({
    ...config,
    repositories: config.repositories.map((one) => ({ ...one, refs: ['main', 'feature/*'], tags: ['v*'] })),
  }))
  first = await company.push('flake.nix', FLAKE)
})
afterAll(async () => {
  await company.close()
})

const commitOf = ({ summary }: EndedRun): string => summary.target?.commit ?? ''
const statusesOf = (sha: string): CommitStatus[] =>
  company.world.github.statuses.filter((status) => status.sha === sha)
const checkRunsOf = (sha: string): CheckRun[] =>
  company.world.github.checkRuns.filter((checkRun) => checkRun.head_sha === sha)
const about = () => ({ repository: company.world.repository, installation: company.world.installation })
const failed = ({ tried }: EndedRun): string[] =>
  tried.map(nameOf).filter((name) => name.startsWith('doomed'))

function git(...words: string[]): string {
  const config = ['-c', 'user.name=Ada', '-c', 'user.email=ada@acme.example']
  return execFileSync('git', ['-C', company.world.company.workingCopy, ...config, ...words], {
    encoding: 'utf8',
  }).trim()
}

describe('a push', () => {
  test('is pending on GitHub, and in the end says which shells are not warm', () => {
    expect(first.summary.verdict).toBe('stuck')
    expect(statusesOf(commitOf(first))).toMatchObject([
      { state: 'pending' },
      { state: 'failure', description: expect.stringContaining('2 of 4 shells are warm') as string },
    ])
  })

  test('has one check run, which names the shells, the failed build, and its last words', () => {
    const checkRuns = checkRunsOf(commitOf(first))
    expect(checkRuns).toHaveLength(1)
    expect(checkRuns[0]).toMatchObject({
      status: 'completed',
      conclusion: 'failure',
      external_id: 'refs/heads/main',
      app: { name: 'Hearth' },
    })
    const { summary, text } = checkRuns[0]?.output ?? {}
    const page = `${summary}\n${text}`
    for (const word of ['fine', 'bad', 'doomed', 'the last words of doomed']) expect(page).toContain(word)
  })

  test('that fails is told to whoever is subscribed', () => {
    expect(company.world.stack.notifications.map(({ message }) => message)).toEqual([
      expect.stringContaining('2 of 4 shells are warm') as string,
    ])
  })
})

describe('Re-run', () => {
  test('of the check builds again what failed, and only that', async () => {
    const [run] = checkRunsOf(commitOf(first))
    if (run === undefined) throw new Error('there is no check run')
    const again = await company.send(await checkRunWebhook({ ...about(), run }, company.world.webhookSecret))
    expect(again.run).toMatch(/^rerun-/)
    expect(again.summary.target).toEqual(first.summary.target)
    expect(failed(again)).toHaveLength(2)
    expect(again.tried).toHaveLength(2)
    expect(checkRunsOf(commitOf(first))).toHaveLength(2)
  })

  test('of all checks does the same', async () => {
    const run = checkRunsOf(commitOf(first)).at(-1)
    if (run === undefined) throw new Error('there is no check run')
    const again = await company.send(
      await checkSuiteWebhook({ ...about(), run }, company.world.webhookSecret),
    )
    expect(failed(again)).toHaveLength(2)
  })

  test('of a branch that is gone says so beside the check, which GitHub would wait for otherwise', async () => {
    const { world } = company
    const commit = git('commit-tree', 'HEAD^{tree}', '-p', 'HEAD', '-m', 'tea')
    const ref = 'refs/heads/feature/gone'
    git('push', '--quiet', 'origin', `${commit}:${ref}`)
    const push = { ...about(), ref, before: NO_COMMIT, after: commit }
    await company.send(await pushWebhook(push, world.webhookSecret))
    const statuses = statusesOf(commit).length
    git('push', '--quiet', 'origin', '--delete', ref)
    const [run] = checkRunsOf(commit)
    if (run === undefined) throw new Error('there is no check run')
    const again = await company.send(await checkRunWebhook({ ...about(), run }, world.webhookSecret))
    expect(again.summary.verdict).toBe('ignored')
    expect(checkRunsOf(commit).at(-1)).toMatchObject({
      status: 'completed',
      conclusion: 'neutral',
      external_id: ref,
      output: { summary: expect.stringContaining(`GitHub knows no ${ref}`) as string },
    })
    expect(statusesOf(commit)).toHaveLength(statuses)
  })
})

describe('tags and branches', () => {
  test('an annotated tag is warmed at the commit that it names', async () => {
    git('tag', '--annotate', 'v1', '--message', 'the first')
    git('push', '--quiet', 'origin', 'v1')
    const push = { ...about(), ref: 'refs/tags/v1', before: NO_COMMIT, after: git('rev-parse', 'v1') }
    const run = await company.send(await pushWebhook(push, company.world.webhookSecret))
    expect(run.summary.target).toEqual({
      repository: 'acme/shells',
      ref: 'refs/tags/v1',
      commit: git('rev-parse', 'v1^{commit}'),
    })
    // what failed under another ref has failed
    expect(run).toMatchObject({ tried: [], states: expect.not.arrayContaining(['Evaluate']) as string[] })
  })

  test('a branch of which hearth.yml has the pattern is warmed, and when it is gone that is written down', async () => {
    const { world } = company
    const ref = 'refs/heads/feature/tea'
    git('push', '--quiet', 'origin', `HEAD:${ref}`)
    const created = await deliver(world, await createWebhook({ ...about(), ref }, world.webhookSecret))
    expect(created).toMatchObject({ status: 202, body: { ignored: expect.any(String) as string } })
    const push = { ...about(), ref, before: NO_COMMIT, after: git('rev-parse', 'HEAD') }
    const pushed = await company.send(await pushWebhook(push, world.webhookSecret))
    expect(pushed.summary.target).toMatchObject({ ref })

    git('push', '--quiet', 'origin', '--delete', ref)
    const gone = await company.send(await deleteWebhook({ ...about(), ref }, world.webhookSecret))
    expect(gone).toMatchObject({ status: 'SUCCEEDED', summary: { verdict: 'ignored' } })
    expect(gone.summary.reason).toContain('roots')
    const key = stateKeys.deletedRef('acme/shells', ref)
    expect(await findJson<DeletedRef>(world.state, key)).toMatchObject({ ref, run: gone.run })
  })

  test('a branch that lives is not taken for deleted, whatever a delivery says', async () => {
    const { world } = company
    const ref = 'refs/heads/main'
    const run = await company.send(await deleteWebhook({ ...about(), ref }, world.webhookSecret))
    expect(run.summary.verdict).toBe('ignored')
    expect(await findJson(world.state, stateKeys.deletedRef('acme/shells', ref))).toBeUndefined()
  })
})

test('a push whose delivery was lost is found by the schedule', async () => {
  const { world } = company
  const { after } = await world.company.push({ file: 'greeting.txt', text: 'lost\n', message: 'lost' })
  const lambda = new LambdaClient({
    endpoint: world.stack.endpoint,
    region: REGION,
    credentials: world.stack.operator,
  })
  // some minutes past a full hour: deliveries are not waited for any more
  const time = new Date(Date.now() - 10 * 60 * 1000).toISOString()
  const { FunctionError } = await lambda.send(
    new InvokeCommand({
      FunctionName: world.stack.physicalId('ScheduleLambdaFunction'),
      Payload: JSON.stringify({ time }),
    }),
  )
  expect(FunctionError).toBeUndefined()
  const stateMachineArn = world.stack.physicalId('WarmStateMachine')
  const { executions = [] } = await world.sfn.send(new ListExecutionsCommand({ stateMachineArn }))
  const scheduled = executions.filter(({ name }) => name?.startsWith('schedule-'))
  expect(scheduled).toHaveLength(1)
  const run = await endOfRun(world.sfn, world.state, scheduled[0]?.executionArn ?? '')
  expect(run.summary.target).toEqual({ repository: 'acme/shells', ref: 'refs/heads/main', commit: after })
})

test('what concerns no commit is answered, and starts nothing', async () => {
  const { world } = company
  const { installation, repository, webhookSecret } = world
  const deliveries = await Promise.all([
    pingWebhook(about(), webhookSecret),
    installationWebhook({ action: 'created', installation, repositories: [repository] }, webhookSecret),
    installationRepositoriesWebhook(
      { action: 'added', installation, repositories: [repository] },
      webhookSecret,
    ),
    installationRepositoriesWebhook(
      { action: 'removed', installation, repositories: [repository] },
      webhookSecret,
    ),
    installationWebhook({ action: 'deleted', installation, repositories: [repository] }, webhookSecret),
  ])
  for (const delivery of deliveries) {
    const { status, body } = await deliver(world, delivery)
    expect({ status, run: body.run }).toEqual({ status: 202, run: undefined })
  }
})

test('GitHub was never asked twice in a second, refused nothing, and gave each kind of token its own rights alone', () => {
  const { github, stack } = company.world
  expect(github.tooFast).toEqual([])
  const ours = github.calls.filter(({ caller }) => caller.kind === 'installation')
  expect(ours.filter(({ status }) => status >= 400 && status !== 404)).toEqual([])
  expect(new Set(ours.map(({ caller }) => JSON.stringify(caller.permissions)))).toEqual(
    new Set([
      JSON.stringify({ contents: 'read', metadata: 'read' }),
      JSON.stringify({ checks: 'write', statuses: 'write', metadata: 'read' }),
    ]),
  )
  expect(stack.denied).toEqual([])
})
