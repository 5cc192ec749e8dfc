import { DescribeExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { RunSummary } from '../../../functions/shared/contract.ts'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { findJson } from '../../../functions/shared/objects.ts'
import { deliver } from '../../../local/demo/push.ts'
import type { StackEvent } from '../../../local/stack/stack-events.ts'
import { nameOf } from '../../../nix/store-path.ts'
import { startTestCompany, type TestCompany } from './company-on-one-machine.ts'

/**
 * Bad input of every kind goes through the whole system: a run, or a refusal, says exactly what was wrong, and nothing wrong is visible to
 * a client.
 */

const FLAKE = (shells: string): string => `{
  outputs = { self }: {
    devShells = builtins.listToAttrs (map (system: { name = system; value =
      let packages = import ./packages.nix { inherit system; }; inherit (packages) mkShell; in { ${shells} };
    }) [ "x86_64-linux" "aarch64-linux" ]);
  };
}`

let company: TestCompany
beforeAll(async () => {
  // 12 s for the five shells of a system: enough for every sound one, and not long to wait for one that loops
  company = await startTestCompany({ secondsPerSystem: 12, megabytes: 512 })
})
afterAll(async () => {
  await company.close()
})

const shell = ({ shells }: RunSummary, name: string) => {
  const found = shells.find(({ attribute }) => attribute === `devShells.x86_64-linux.${name}`)
  if (found === undefined)
    throw new Error(`no shell ${name} among ${shells.map(({ attribute }) => attribute).join(', ')}`)
  return found
}

describe('a push that is not ours to warm is ignored, and says why', () => {
  const head = '1'.repeat(40)
  test.each([
    [
      'an unknown repository',
      { ref: 'refs/heads/main', repository: 'acme/unknown' },
      'acme/unknown is not among the repositories of hearth.yml: add it and run `hearth config push`',
    ],
    [
      'a branch that is not configured',
      { ref: 'refs/heads/dev', repository: 'acme/shells' },
      'refs/heads/dev is not among the refs of acme/shells in hearth.yml (main)',
    ],
    [
      'a ref that is gone by now',
      { ref: 'refs/heads/main', repository: 'acme/shells' },
      'GitHub knows no refs/heads/main in acme/shells: it may have been deleted since this run was started',
    ],
  ])('%s', async (_, { ref, repository }, reason) => {
    const ended = await company.deliverPayload({ ref, after: head, repository: { full_name: repository } })
    expect(ended).toMatchObject({ status: 'SUCCEEDED', summary: { verdict: 'ignored', reason } })
    expect(ended.states).not.toContain('Evaluate')
  })

  test('a person who asks for the same gets an error', async () => {
    const ended = await company.startByHand('hand-unknown', { repository: 'acme/unknown', ref: 'main' })
    expect(ended).toMatchObject({
      status: 'FAILED',
      summary: { verdict: 'failed', error: { name: 'NotConfigured' } },
    })
  })

  test('an input that is none of a run shows the right form', async () => {
    const ended = await company.startByHand('hand-nonsense', { repo: 'acme/shells' })
    expect(ended.status).toBe('FAILED')
    expect(ended.summary.error?.name).toBe('InvalidRunInput')
    expect(ended.summary.error?.message).toContain(
      'The right form: {"repository": "owner/name", "ref": "main"}',
    )
  })
})

describe('the webhook refuses', () => {
  const body = JSON.stringify({
    ref: 'refs/heads/main',
    after: '1'.repeat(40),
    repository: { full_name: 'acme/shells' },
  })
  test.each([
    ['no signature', {}, body, 401],
    ['a forged signature', { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }, body, 401],
    // API Gateway passes 10 MB; Lambda's 6 MB stand behind it
    ['a body over the gateway’s limit', {}, 'x'.repeat(10 * 1024 * 1024 + 1), 413],
  ])('%s', async (_, headers, text, status) => {
    const answer = await fetch(`${company.world.stack.api}/github`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-github-event': 'push', ...headers },
      body: text,
    })
    expect(answer.status).toBe(status)
  })
})

describe('a source that gives nothing to warm ends the run with its own words', () => {
  test.each([
    [
      'a flake that does not parse',
      '{ outputs = { self }: { devShells = ',
      'FlakeDoesNotEvaluate',
      'syntax error',
    ],
    ['a flake without devShells', '{ outputs = { self }: { lib = { }; }; }', 'NothingToWarm', 'devShells'],
  ])('%s', async (_, flake, name, words) => {
    const ended = await company.push('flake.nix', flake)
    expect(ended).toMatchObject({ status: 'FAILED', summary: { verdict: 'failed', error: { name } } })
    expect(ended.summary.error?.message).toContain(words)
    expect(ended.states).not.toContain('Build')
  })

  test('a commit that GitHub does not have', async () => {
    const ended = await company.startByHand('hand-no-commit', {
      repository: 'acme/shells',
      ref: 'main',
      commit: '1'.repeat(40),
    })
    expect(ended).toMatchObject({ status: 'FAILED', summary: { error: { name: 'SourceNotFound' } } })
    expect(ended.summary.error?.message).toContain('1'.repeat(40))
  })
})

test('a shell that loops for ever or eats memory costs only itself', async () => {
  const ended = await company.push(
    'flake.nix',
    FLAKE(`
      fine = mkShell { name = "fine"; packages = [ packages.libformat ]; };
      hungry = mkShell { name = "hungry"; packages = builtins.genList (n: packages.tools) 400000000; };
      looping = let f = n: if n < 2 then n else f (n - 1) + f (n - 2); in mkShell { name = "looping"; packages = [ (f 60) ]; };
    `),
  )
  expect(ended).toMatchObject({ status: 'SUCCEEDED', summary: { verdict: 'done' } })
  expect(shell(ended.summary, 'fine').status).toBe('warm')
  expect(shell(ended.summary, 'hungry')).toMatchObject({
    status: 'failed',
    reason: expect.stringContaining('memory') as string,
  })
  expect(shell(ended.summary, 'looping')).toMatchObject({
    status: 'failed',
    reason: expect.stringContaining('does it loop?') as string,
  })
})

test('what fails to build is named with its log, and everything else is built and published', async () => {
  const ended = await company.push(
    'flake.nix',
    FLAKE(`
      fine = mkShell { name = "fine"; packages = [ packages.manual ]; };
      failing = mkShell { name = "failing"; packages = [ needs ]; };
    `).replace(
      'inherit (packages) mkShell; in',
      `inherit (packages) mkShell;
        breaks = derivation { name = "breaks"; inherit system; builder = "\${packages.tools}/bin/bash"; args = [ "-c" "echo words before the end; exit 3" ]; };
        needs = derivation { name = "needs"; inherit system breaks; builder = "\${packages.tools}/bin/bash"; args = [ "-c" "echo > $out" ]; };
      in`,
    ),
  )
  expect(ended.summary.error).toBeUndefined()
  expect(ended).toMatchObject({ status: 'SUCCEEDED', summary: { verdict: 'stuck' } })
  expect(shell(ended.summary, 'fine').status).toBe('warm')
  const failing = shell(ended.summary, 'failing')
  expect(failing.blame?.map(nameOf)).toEqual(['breaks.drv'])
  expect(failing.reason).toContain('exit code 3')
  const outcomes = ended.summary.outcomes.map(({ drvPath, outcome, logTail }) => ({
    name: nameOf(drvPath),
    outcome,
    logTail,
  }))
  expect(outcomes).toContainEqual({
    name: 'breaks.drv',
    outcome: 'failed',
    logTail: ['words before the end'],
  })
  // whether it was in the same batch or in none, nobody has built it
  expect(outcomes.filter(({ name }) => name === 'needs.drv').map(({ outcome }) => outcome)).not.toContain(
    'published',
  )
})

/** Kills every batch build as soon as it says that it builds something; gives how many it killed. */
function killBuilders(most: number): { killed: string[] } {
  const killed: string[] = []
  const stop = company.onEvent((event: StackEvent) => {
    if (event.kind !== 'build-log' || !event.lines.some((line) => line.startsWith('building '))) return
    if (killed.length >= most || killed.includes(event.buildId)) return
    killed.push(event.buildId)
    void company.world.stack.killBuild(event.buildId)
  })
  onTestFinished(() => {
    stop()
  })
  return { killed }
}

describe('a builder that dies', () => {
  test('loses its work to the next one, and the run ends done', async () => {
    await company.world.company.push({
      file: 'flake.nix',
      text: FLAKE('slow = mkShell { name = "slow"; packages = [ packages.linter ]; };'),
      message: 'slow',
    })
    const { killed } = killBuilders(1)
    const ended = await company.push('greeting.txt', 'for the killed builder\n')
    expect(killed).toHaveLength(1)
    expect(ended).toMatchObject({ status: 'SUCCEEDED', summary: { verdict: 'done', waves: 1 } })
    expect(await company.faultsOfCache()).toEqual([])
  })

  test('and dies whenever it is tried: the run says so of every derivation that was lost', async () => {
    const text = FLAKE('doomed = mkShell { name = "doomed"; packages = [ packages.site ]; };')
    const { killed } = killBuilders(100)
    const ended = await company.push('flake.nix', text)
    expect(ended.summary.error).toBeUndefined()
    // four times for each system
    expect(killed).toHaveLength(8)
    expect(ended).toMatchObject({ status: 'SUCCEEDED', summary: { verdict: 'stuck', waves: 1 } })
    expect(shell(ended.summary, 'doomed').reason).toMatch(
      /its builder .* was lost \(States\.(?:Heartbeat)?Timeout.*\) without a word about it: .* \(tried 4 times\)/,
    )
  })
})

test('a run that a person stops tells how it ended, though it could not itself', async () => {
  const { after } = await company.world.company.push({
    file: 'greeting.txt',
    text: 'to be stopped\n',
    message: 'stop',
  })
  const run = 'hand-stopped'
  const stopped = new Promise<void>((resolve) => {
    const stop = company.onEvent((event) => {
      if (event.kind !== 'history' || event.event.stateEnteredEventDetails?.name !== 'Evaluate') return
      stop()
      void company.world.sfn
        .send(new StopExecutionCommand({ executionArn: company.executionArn(run) }))
        .then(() => resolve())
    })
  })
  const ended = company
    .startByHand(run, { repository: 'acme/shells', ref: 'main', commit: after })
    .catch(() => undefined)
  await Promise.all([stopped, ended])
  await expect
    .poll(() => findJson<RunSummary>(company.world.state, stateKeys.summary(run)), { timeout: 30_000 })
    .toMatchObject({
      verdict: 'failed',
      error: { name: 'ExecutionAborted' },
    })
  const { status } = await company.world.sfn.send(
    new DescribeExecutionCommand({ executionArn: company.executionArn(run) }),
  )
  expect(status).toBe('ABORTED')
})

test('a commit that is warm is not evaluated again, but its roots are refreshed', async () => {
  const first = await company.push(
    'flake.nix',
    FLAKE('fine = mkShell { name = "fine"; packages = [ packages.libformat ]; };'),
  )
  expect(first.summary.verdict).toBe('done')
  const key = stateKeys.root('acme/shells', 'refs/heads/main', 'x86_64-linux devShells.x86_64-linux.fine')
  const before = await findJson<{ run: string; paths: string[] }>(company.world.state, key)
  const again = await company.startByHand('hand-again', { repository: 'acme/shells', ref: 'main' })
  expect(again).toMatchObject({ status: 'SUCCEEDED', summary: { verdict: 'unchanged' } })
  expect(again.states).not.toContain('Evaluate')
  const after = await findJson<{ run: string; paths: string[] }>(company.world.state, key)
  expect({ before: before?.run, after: after?.run }).toEqual({ before: first.run, after: 'hand-again' })
  expect(after?.paths).toEqual(before?.paths)
})

test('after all of this nothing wrong is visible, and nobody asked for more than their role allows', async () => {
  expect(await company.faultsOfCache()).toEqual([])
  expect(company.world.stack.denied).toEqual([])
  const { status } = await deliver(company.world, { headers: {}, body: '' })
  expect(status).toBe(401)
})
