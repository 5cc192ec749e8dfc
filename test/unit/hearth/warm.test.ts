import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
import { mockClient } from 'aws-sdk-client-mock'
import { Command } from 'commander'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { storedConfig } from '../../../functions/shared/config.ts'
import type { Deployment } from '../../../scripts/hearth/deployment.ts'
import { addWarmCommand } from '../../../scripts/hearth/warm.ts'
import { Buckets } from '../functions/buckets.ts'
import { captureLog } from '../functions/lambda.ts'
import { CONFIG } from '../functions/resolve/config.ts'

const sfn = mockClient(SFNClient)
const COMMIT = '6113728f27ae82c7b1a177c8d03f9e96e0adf246'
let buckets: Buckets
let said: { out: string[]; error: string[] }

beforeEach(() => {
  sfn.reset()
  sfn.on(StartExecutionCommand).resolves({})
  buckets = new Buckets()
  buckets.put('state/config/current.json', storedConfig(CONFIG))
  said = { out: [], error: [] }
  captureLog()
  vi.spyOn(console, 'log').mockImplementation((line: string) => said.out.push(line))
  vi.spyOn(console, 'error').mockImplementation((line: string) => said.error.push(line))
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

/** `hearth <words>`, against a deployment whose state and Step Functions are in memory. @returns the exit code */
async function hearth(...words: string[]): Promise<unknown> {
  const deployment: Pick<Deployment, 'sfn' | 'state' | 'warmStateMachine'> = {
    sfn: new SFNClient({}),
    state: buckets.bucket('state'),
    warmStateMachine: 'arn:of:warm',
  }
  const program = new Command('hearth').exitOverride()
  addWarmCommand(
    program,
    async () => deployment as Deployment,
    () => true,
  )
  await program.parseAsync(words, { from: 'user' })
  const { exitCode } = process
  process.exitCode = undefined
  return exitCode
}
const inputs = (): unknown[] =>
  sfn.commandCalls(StartExecutionCommand).map(({ args: [{ input }] }) => JSON.parse(input.input ?? ''))

describe('hearth warm starts a run', () => {
  const hand = { trigger: 'hand', repository: 'acme/shells', ref: 'refs/heads/main' }
  const cases: [string, string[], object][] = [
    ['of main, when no ref is named', [], hand],
    ['of a branch', ['release/1'], { ...hand, ref: 'refs/heads/release/1' }],
    ['of a tag', ['tags/v1'], { ...hand, ref: 'refs/tags/v1' }],
    ['of a full ref', ['refs/tags/v1'], { ...hand, ref: 'refs/tags/v1' }],
    ['of another commit', ['--commit', COMMIT], { ...hand, commit: COMMIT }],
    ['that tries again', ['main', '--retry-failed'], { ...hand, retryFailed: true }],
    [
      'of other attributes, with commas between them',
      ['main', '--attributes', 'devShells.ci,shell.nix'],
      { ...hand, attributes: ['devShells.ci', 'shell.nix'] },
    ],
    [
      'of other attributes, with blanks between them',
      ['main', '--attributes', 'devShells.ci', 'packages.a,packages.b'],
      { ...hand, attributes: ['devShells.ci', 'packages.a', 'packages.b'] },
    ],
  ]
  test.each(cases)('%s', async (_, words, input) => {
    expect(await hearth('warm', 'acme/shells', ...words)).toBe(0)
    expect(inputs()).toEqual([input])
    expect(JSON.parse(said.out.join(''))).toEqual({
      run: expect.stringMatching(/^hand-acme-shells-[0-9a-f]{32}$/) as string,
    })
  })
  test('of the repository as hearth.yml spells it', async () => {
    expect(await hearth('warm', 'ACME/Shells')).toBe(0)
    expect(inputs()).toEqual([hand])
  })
  test('a second time', async () => {
    await hearth('warm', 'acme/shells')
    await hearth('warm', 'acme/shells')
    const names = sfn.commandCalls(StartExecutionCommand).map(({ args: [{ input }] }) => input.name)
    expect(new Set(names).size).toBe(2)
  })
})

describe('what Resolve would refuse is said before anything is started, and exits with 2', () => {
  const cases: [string, string[], string][] = [
    ['a repository that is none', ['shells'], 'repository: expected owner/name'],
    ['a repository that hearth.yml does not name', ['acme/other'], 'NotConfigured: acme/other is not among'],
    [
      'a branch that it does not name',
      ['acme/shells', 'feature'],
      'NotConfigured: refs/heads/feature is not among the refs of acme/shells',
    ],
    ['a short commit', ['acme/shells', '--commit', '6113728'], 'commit: expected 40 hexadecimal digits'],
    [
      'an attribute that is none',
      ['acme/shells', 'main', '--attributes', 'devShells,.#ci'],
      'attributes.1: ".#ci" is none',
    ],
    ['no attribute', ['acme/shells', 'main', '--attributes', ','], 'attributes: Too small'],
    [
      'an attribute of another system',
      ['acme/shells', 'main', '--attributes', 'packages.x86_64-darwin.hello'],
      'attributes: packages.x86_64-darwin.hello: hearth.yml has acme/shells for x86_64-linux, aarch64-linux alone',
    ],
  ]
  test.each(cases)('%s', async (_, words, message) => {
    expect(await hearth('warm', ...words)).toBe(2)
    expect(said.error.join('\n')).toContain(message)
    expect(inputs()).toEqual([])
  })

  test('a configuration that was never pushed is no fault of the command', async () => {
    buckets.objects.clear()
    await expect(hearth('warm', 'acme/shells')).rejects.toMatchObject({ name: 'ObjectNotFound' })
    expect(inputs()).toEqual([])
  })
})
