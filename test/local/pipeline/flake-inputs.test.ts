import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Evaluation } from '../../../functions/shared/contract.ts'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { findJson, readJson } from '../../../functions/shared/objects.ts'
import type { Root } from '../../../functions/shared/records.ts'
import { readNixOutput } from '../../../local/demo/nix-output.ts'
import { onMachine } from '../../../local/demo/on-machine.ts'
import type { EndedRun } from '../../../local/demo/run.ts'
import { createGitHub, type GitHub } from '../../../local/github/github.ts'
import { type AvailableNix, testEachNix } from '../nix/available-nix.ts'
import { startTestCompany, type TestCompany } from './company-on-one-machine.ts'
import { newClient, removeClient } from './nix-client.ts'

/** A flake with an input that only the evaluator can reach: laptops have the lock file, and our cache. */

let company: TestCompany
/** where the input's repository is, until it is closed */
let origin: GitHub
let isClosed = false
let flake: string
beforeAll(async () => {
  company = await startTestCompany({ secondsPerSystem: 120, megabytes: 2048 })
  const { folder } = company.world
  const tools = join(folder, 'private-tools')
  mkdirSync(tools)
  writeFileSync(join(tools, 'flake.nix'), '{ outputs = { self }: { word = import ./word.nix; }; }')
  writeFileSync(join(tools, 'word.nix'), '"a secret of ours"')
  const revision = commitAll(tools)
  origin = await createGitHub()
  origin.addRepository('acme/private-tools', tools)
  flake = `{
    inputs.tools.url = "git+${origin.url}/acme/private-tools.git?ref=main&rev=${revision}";
    outputs = { self, tools }: {
      inherit (tools) word;
      devShells.x86_64-linux.default =
        let packages = import ./packages.nix { system = "x86_64-linux"; };
        in packages.mkShell { name = tools.word; packages = [ packages.libformat ]; };
    };
  }`.replace('name = tools.word', 'name = builtins.replaceStrings [ " " ] [ "-" ] tools.word')
})
afterAll(async () => {
  if (!isClosed) await origin.close()
  await company.close()
})

/** Git with nobody's configuration; gives the new commit. */
function commitAll(folder: string): string {
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@acme.example', ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
    })
  git('init', '--quiet', '--initial-branch=main', '.')
  git('add', '--all')
  git('commit', '--quiet', '-m', 'all')
  return git('rev-parse', 'HEAD').trim()
}

async function configure(flakeInputs: boolean): Promise<void> {
  await company.configure((config) => ({
    ...config,
    repositories: config.repositories.map((one) => ({ ...one, flakeInputs })),
  }))
}

/** What a laptop evaluates that has the repository, and nothing else. */
async function evaluateOnLaptop(
  nix: AvailableNix,
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const { world } = company
  const laptop = await newClient(world, [world.publicKey], nix)
  try {
    const copy = join(laptop.folder, 'checkout')
    execFileSync('cp', ['-r', world.company.workingCopy, copy])
    return await onMachine(laptop, ['nix', 'eval', '--raw', '--no-update-lock-file', `path:${copy}#word`])
  } finally {
    await removeClient(laptop)
  }
}

let first: EndedRun
test('the evaluator fetches it; nothing of it is published unless hearth.yml asks for it', async () => {
  const { world } = company
  writeFileSync(join(world.company.workingCopy, 'flake.nix'), flake)
  // as a developer locks it, with access
  const developer = await newClient(world, [world.publicKey], { name: 'Nix', root: undefined })
  const lock = await onMachine(developer, ['nix', 'flake', 'lock', `path:${world.company.workingCopy}`])
  await removeClient(developer)
  expect(lock.status, lock.stderr).toBe(0)
  first = await company.push('greeting.txt', 'with an input\n')
  expect(first).toMatchObject({ status: 'SUCCEEDED', summary: { verdict: 'done' } })
  expect(first.states).not.toContain('PublishInputs')
  const evaluation = await readJson<Evaluation>(world.state, stateKeys.evaluation(first.run))
  expect(evaluation).not.toHaveProperty('flakeInputs')
})

describe('with flakeInputs: true', () => {
  const ROOT = stateKeys.root('acme/shells', 'refs/heads/main', 'any inputs')

  test('it is published, signed, and has a root of its own', async () => {
    const { state } = company.world
    await configure(true)
    const run = await company.startByHand('with-inputs', { repository: 'acme/shells', ref: 'main' })
    expect(run).toMatchObject({ status: 'SUCCEEDED', summary: { verdict: 'done' } })
    expect(run.states).toContain('PublishInputs')
    expect(run.summary.shells).toContainEqual({ attribute: 'inputs', system: 'any', status: 'warm' })
    const { flakeInputs = [] } = await readJson<Evaluation>(state, stateKeys.evaluation(run.run))
    expect(flakeInputs).toHaveLength(1)
    expect((await findJson<Root>(state, ROOT))?.paths).toEqual(flakeInputs)
    expect(await company.faultsOfCache()).toEqual([])
  })

  test('the next run finds it published, evaluates nothing, and refreshes the root', async () => {
    const run = await company.startByHand('with-inputs-again', { repository: 'acme/shells', ref: 'main' })
    expect(run).toMatchObject({ status: 'SUCCEEDED', summary: { verdict: 'unchanged' } })
    expect(run.states).not.toContain('Evaluate')
    expect(run.states).not.toContain('PublishInputs')
    expect((await findJson<Root>(company.world.state, ROOT))?.run).toBe('with-inputs-again')
  })

  testEachNix('a laptop that cannot reach it takes it from our cache', async (nix) => {
    if (!isClosed) await origin.close()
    isClosed = true
    const { status, stdout, stderr } = await evaluateOnLaptop(nix)
    expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: 'a secret of ours' })
    const ours = readNixOutput(stderr).downloaded.filter(({ from }) =>
      from.startsWith(company.world.bridge.url),
    )
    expect(ours.map(({ path }) => path)).toEqual([expect.stringMatching(/-source$/)])
  })
})

test('and nobody asked for more than their role allows', () => {
  expect(company.world.stack.denied).toEqual([])
})
