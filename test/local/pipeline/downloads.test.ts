import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunDownloads, ShellDownloads, WavePlan } from '../../../functions/shared/contract.ts'
import { stateKeys } from '../../../functions/shared/keys.ts'
import { readJson } from '../../../functions/shared/objects.ts'
import { readPlans } from '../../../functions/shared/run-files.ts'
import { readNixOutput } from '../../../local/demo/nix-output.ts'
import { mustSucceed } from '../../../local/demo/on-machine.ts'
import type { EndedRun } from '../../../local/demo/run.ts'
import { LINUX } from '../../../local/demo/world.ts'
import { startTestCompany, type TestCompany } from './company-on-one-machine.ts'
import { newClient, removeClient } from './nix-client.ts'

/** Two pushes through the whole pipeline, in Record's own role; then laptops that have nothing. */

let company: TestCompany
let first: EndedRun
let second: EndedRun
beforeAll(async () => {
  company = await startTestCompany({ secondsPerSystem: 120, megabytes: 2048 }, LINUX.slice(0, 1))
  first = await company.push('README.md', '# Shells\n')
  second = await company.push('greeting.txt', 'good evening\n')
})
afterAll(async () => {
  await company.close()
})

async function downloadsOf({ run }: EndedRun): Promise<ShellDownloads[]> {
  return (await readJson<RunDownloads>(company.world.state, stateKeys.downloads(run))).shells
}
async function planOf({ run }: EndedRun): Promise<WavePlan> {
  const plan = (await readPlans(company.world.state, run)).at(-1)
  if (plan === undefined) throw new Error(`${run} has planned nothing`)
  return plan
}

/** Paths that a laptop which has nothing downloads for each shell, by the cache. */
async function taken({ shells }: WavePlan): Promise<Record<string, Record<string, number>>> {
  const { world } = company
  const counts: Record<string, Record<string, number>> = {}
  for (const { attribute, paths, status } of shells) {
    if (status !== 'warm') continue
    const client = await newClient(world, [world.publicKey], { name: '', root: undefined })
    try {
      const { stderr } = await mustSucceed(client, ['nix-store', '--realise', ...paths])
      const { downloaded } = readNixOutput(stderr)
      const ours = downloaded.filter(({ from }) => from.startsWith(world.bridge.url)).length
      const others = downloaded.length - ours
      counts[attribute] = {
        ...(others > 0 ? { [world.upstream.url]: others } : {}),
        ...(ours > 0 ? { cache: ours } : {}),
      }
    } finally {
      await removeClient(client)
    }
  }
  return counts
}

describe('what Record leaves of a run', () => {
  test('is what laptops download', async () => {
    expect(second.status).toBe('SUCCEEDED')
    const shells = (await downloadsOf(second)).filter(({ missing }) => missing === 0)
    const said = Object.fromEntries(
      shells.map(({ attribute, sources }) => [
        attribute,
        Object.fromEntries(sources.map(({ source, paths }) => [source, paths])),
      ]),
    )
    expect(said).toEqual(await taken(await planOf(second)))
    expect(Object.values(said).some((sources) => Object.keys(sources).length === 2)).toBe(true)
    expect(shells.every(({ unknown }) => unknown === 0)).toBe(true)
  })

  test('says what the run built: all of ours in the first, and what the change touched in the second', async () => {
    for (const { sources, builtPaths } of await downloadsOf(first))
      expect(builtPaths).toBe(sources.find(({ source }) => source === 'cache')?.paths ?? 0)
    const built = (await downloadsOf(second)).reduce((sum, shell) => sum + shell.builtPaths, 0)
    const all = (await downloadsOf(first)).reduce((sum, shell) => sum + shell.builtPaths, 0)
    expect(built).toBeGreaterThan(0)
    expect(built).toBeLessThan(all)
    const seconds = (await downloadsOf(second)).map(({ buildSeconds }) => buildSeconds)
    expect(Math.max(...seconds)).toBeGreaterThan(0)
  })

  test('is what hearth hits adds up', async () => {
    const args = [
      'scripts/hearth.ts',
      '--local',
      '--folder',
      join(company.world.folder, 'aws'),
      '--json',
      'hits',
    ]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    const { shells } = JSON.parse(stdout) as { shells: { attribute: string; runs: number; built: number }[] }
    const each = [...(await downloadsOf(first)), ...(await downloadsOf(second))]
    for (const { attribute, runs, built } of shells) {
      const ofShell = each.filter((shell) => shell.attribute === attribute)
      expect({ runs, built }).toEqual({
        runs: ofShell.length,
        built: ofShell.reduce((sum, { builtPaths }) => sum + builtPaths, 0),
      })
    }
    expect(shells.map(({ attribute }) => attribute).toSorted()).toEqual(
      [...new Set(each.map(({ attribute }) => attribute))].toSorted(),
    )
  })

  test('asked for nothing that its role may not do', () => {
    expect(company.world.stack.denied).toEqual([])
  })
})
