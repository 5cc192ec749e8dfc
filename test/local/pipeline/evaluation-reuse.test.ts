import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { currentConfig, storedConfig } from '../../../functions/shared/config.ts'
import type { Evaluation, WavePlan } from '../../../functions/shared/contract.ts'
import { cacheKeys, stateKeys } from '../../../functions/shared/keys.ts'
import { objectsUnder } from '../../../functions/shared/list-objects.ts'
import { deleteObject, readJson, writeJson } from '../../../functions/shared/objects.ts'
import type { Config } from '../../../functions/shared/parse-config.ts'
import type { EndedRun } from '../../../local/demo/run.ts'
import { hashPartOf, nameOf } from '../../../nix/store-path.ts'
import { startTestCompany, type TestCompany } from './company-on-one-machine.ts'

/** One commit, and run after run of it: which of them start an evaluator. */

const FLAKE = `{
  outputs = { self }: {
    devShells = builtins.listToAttrs (map (system: { name = system; value =
      let
        packages = import ./packages.nix { inherit system; };
        breaks = derivation { name = "breaks"; inherit system; builder = "\${packages.tools}/bin/bash"; args = [ "-c" "exit 3" ]; };
      in {
        default = packages.mkShell { name = "fine"; packages = [ packages.manual ]; };
        failing = packages.mkShell { name = "failing"; packages = [ breaks ]; };
      };
    }) [ "x86_64-linux" "aarch64-linux" ]);
    packages.x86_64-linux.manual = (import ./packages.nix { system = "x86_64-linux"; }).manual;
  };
}`

let company: TestCompany
/** the builds that CodeBuild started of the evaluator's project */
const evaluators = new Set<string>()
let first: EndedRun
let runs = 0
beforeAll(async () => {
  company = await startTestCompany({ secondsPerSystem: 120, megabytes: 2048 })
  company.onEvent((event) => {
    if (event.kind === 'build' && event.build.projectName.endsWith('-evaluator'))
      evaluators.add(event.build.id)
  })
  first = await company.push('flake.nix', FLAKE)
})
afterAll(async () => {
  await company.close()
})

const again = (more: object = {}): Promise<EndedRun> =>
  company.startByHand(`again-${++runs}`, { repository: 'acme/shells', ref: 'main', ...more })
const builtBy = ({ tried }: EndedRun): string[] => [...new Set(tried.map(nameOf))].toSorted()
const pathsOf = async ({ run }: EndedRun): Promise<WavePlan['shells']> =>
  (await readJson<WavePlan>(company.world.state, stateKeys.plan(run, 1))).shells

async function configure(change: (config: Config) => Config): Promise<void> {
  const { state } = company.world
  const stored = storedConfig(change((await currentConfig(state)).config))
  await writeJson(state, stateKeys.config(stored.sha256), stored)
  await writeJson(state, stateKeys.currentConfig, stored)
}

test('the first run of a commit evaluates it', () => {
  expect(first).toMatchObject({ status: 'SUCCEEDED', summary: { verdict: 'stuck' } })
  expect(evaluators.size).toBe(1)
})

describe('no evaluator is started', () => {
  test('for the same commit, and the run knows the same shells', async () => {
    const second = await again()
    expect(second).toMatchObject({ status: 'SUCCEEDED', summary: { verdict: 'stuck' } })
    expect(second.summary.shells.map(({ attribute, status }) => ({ attribute, status }))).toEqual(
      first.summary.shells.map(({ attribute, status }) => ({ attribute, status })),
    )
    expect(builtBy(second)).toEqual([])
    expect(evaluators.size).toBe(1)
  })

  test('when somebody asks for what failed to be built again: it is', async () => {
    const retried = await again({ retryFailed: true })
    expect(retried).toMatchObject({ status: 'SUCCEEDED', summary: { verdict: 'stuck' } })
    expect(builtBy(retried)).toEqual(['breaks.drv'])
    expect(evaluators.size).toBe(1)
  })

  test('when the cache has lost a path: it is made again', async () => {
    const { state, s3, cacheBucket } = company.world
    const shells = await pathsOf(first)
    const lost = shells.flatMap(({ paths }) => paths).find((path) => nameOf(path).startsWith('manual'))
    if (lost === undefined) throw new Error('no shell has the manual')
    await s3.send(new DeleteObjectCommand({ Bucket: cacheBucket, Key: cacheKeys.narinfo(hashPartOf(lost)) }))
    // nobody told the index: it is made again
    for (const key of (await objectsUnder(state, stateKeys.index)).keys()) await deleteObject(state, key)
    const healed = await again()
    expect(builtBy(healed)).toEqual([expect.stringMatching(/^manual/)])
    expect(await company.faultsOfCache()).toEqual([])
    expect(evaluators.size).toBe(1)
  })
})

describe('an evaluator is started', () => {
  test('when the configuration asks for another attribute', async () => {
    await configure((config) => ({
      ...config,
      repositories: config.repositories.map((one) => ({ ...one, attributes: ['devShells', 'packages'] })),
    }))
    const more = await again()
    expect(more.summary.shells.map(({ attribute }) => attribute)).toContain('packages.x86_64-linux.manual')
    expect(evaluators.size).toBe(2)
  })

  test('when the archive of the run that has evaluated is gone', async () => {
    const { state } = company.world
    await again()
    expect(evaluators.size).toBe(2)
    for (const key of (await objectsUnder(state, 'runs/')).keys())
      if (key.endsWith('/archive.zst')) await deleteObject(state, key)
    const ended = await again()
    expect(ended).toMatchObject({ status: 'SUCCEEDED', summary: { verdict: 'stuck' } })
    expect(evaluators.size).toBe(3)
    const { run } = await readJson<Evaluation>(state, stateKeys.evaluation(ended.run))
    expect(run).toBe(ended.run)
  })

  test('for another commit', async () => {
    await company.push('greeting.txt', 'another commit\n')
    expect(evaluators.size).toBe(4)
  })
})

test('and nobody asked for more than their role allows', () => {
  expect(company.world.stack.denied).toEqual([])
})
