import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EndedRun } from '../../../local/demo/run.ts'
import { LINUX, MAC } from '../../../local/demo/world.ts'
import { nameOf } from '../../../nix/store-path.ts'
import { BuilderLogs } from './builder-logs.ts'
import { startTestCompany, type TestCompany } from './company-on-one-machine.ts'

/** A deployment with AppleSiliconFleetArn, and a hearth.yml that says `fleet: true`. Nobody runs `hearth worker`. */

let company: TestCompany
let run: EndedRun
const logs = new BuilderLogs()
beforeAll(async () => {
  const evaluation = { secondsPerSystem: 120, megabytes: 2048 }
  company = await startTestCompany(evaluation, [...LINUX, MAC], 1, undefined, 'fleet')
  company.onEvent((event) => {
    if (event.kind === 'build-log') for (const line of event.lines) logs.hear(event.buildId, line)
  })
  run = await company.push('README.md', 'for Macs, too\n')
}, 300_000)
afterAll(async () => {
  await company.close()
})

test('a push makes the shells of Macs warm, too', () => {
  expect(run.summary.verdict).toBe('done')
  const forMacs = run.summary.shells.filter(({ system }) => system === MAC)
  expect(forMacs.filter(({ status }) => status === 'warm').length).toBeGreaterThan(1)
  // the example has one that does not evaluate, on purpose
  expect(forMacs.filter(({ status }) => status !== 'warm').map(({ attribute }) => attribute)).toEqual([
    `devShells.${MAC}.broken`,
  ])
})

test('the Mac is a machine of CodeBuild: it is started, and takes nothing from the activity', () => {
  const project = company.world.stack.physicalId('AppleSiliconBuilder')
  const forMacs = run.batches.filter(({ job }) => job.system === MAC)
  const wanted = forMacs.flatMap(({ job }) => job.derivations.map(({ drvPath }) => nameOf(drvPath)))
  const built = logs.built.filter(({ builder }) => builder.startsWith(`${project}:`))
  expect(wanted.length).toBeGreaterThan(0)
  expect(built.map(({ name }) => `${name}.drv`)).toEqual(expect.arrayContaining(wanted))
  const role = company.world.stack.attribute('BuilderRole', 'RoleId')
  for (const { outcome } of forMacs) expect(outcome?.machine).toMatch(new RegExp(`^${role}:AWSCodeBuild-`))
  expect(run.states).toContain('StartMachine')
  expect(run.states).not.toContain('BuildOnAppleSilicon')
})

test('no part of the system asked for more than its role allows, and the cache is whole', async () => {
  expect(company.world.stack.denied).toEqual([])
  expect(await company.faultsOfCache()).toEqual([])
})
