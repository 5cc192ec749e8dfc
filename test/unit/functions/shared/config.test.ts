import { S3Client } from '@aws-sdk/client-s3'
import { stringify } from 'yaml'
import { describe, expect, test } from 'vitest'
import { currentConfig, isConfiguredRef, storedConfig } from '../../../../functions/shared/config.ts'
import { parseConfig, type RepositoryConfig } from '../../../../functions/shared/parse-config.ts'
import { Buckets } from '../buckets.ts'

const KEY = 'cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY='

const complete = () => ({
  github: { api: 'https://api.github.com', git: 'https://github.com' },
  repositories: [
    { name: 'acme/shells', refs: ['main'], attributes: ['devShells', 'packages'], systems: ['x86_64-linux'] },
    { name: 'acme/tools', refs: ['main', 'release/*'], systems: ['aarch64-linux', 'x86_64-linux'] },
  ],
  upstreams: [{ url: 'https://cache.nixos.org', publicKeys: [KEY] }],
  cache: { publicKeys: [KEY] },
  limits: { evaluation: { secondsPerSystem: 1800, megabytes: 6144 }, nar: { gigabytes: 50 } },
})

/** The whole configuration with the value at a path replaced; `undefined` takes it out. */
function withValue(path: string, value: unknown): string {
  const document = complete()
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  let at = document as unknown as Record<string, Record<string, unknown>>
  for (const key of keys) at = at[key] as Record<string, Record<string, unknown>>
  if (value === undefined) Reflect.deleteProperty(at, last)
  else Reflect.set(at, last, value)
  return stringify(document)
}

/** What is wrong with a hearth.yml, a line each. */
function faultsOf(text: string): string[] {
  try {
    parseConfig(text)
    return []
  } catch (error) {
    expect(error).toMatchObject({ name: 'InvalidConfig' })
    const [first, ...faults] = (error as Error).message.split('\n')
    return first === 'hearth.yml:' ? faults : [(error as Error).message]
  }
}

describe('a hearth.yml', () => {
  test('that says everything', () => {
    const config = parseConfig(stringify(complete()))
    expect(config.repositories[0]).toEqual({
      name: 'acme/shells',
      refs: ['main'],
      tags: [],
      schedule: 'weekly',
      privateInputs: [],
      attributes: ['devShells', 'packages'],
      systems: ['x86_64-linux'],
    })
    expect(config.upstreams).toEqual([{ url: 'https://cache.nixos.org', publicKeys: [KEY] }])
  })

  test.each([
    [true, true],
    [false, false],
    [undefined, undefined],
  ])('keeps the inputs of a flake warm only when it says so: %s', (said, expected) => {
    const config = parseConfig(withValue('repositories.0.flakeInputs', said))
    expect(config.repositories[0]?.flakeInputs).toBe(expected)
  })

  test.each([
    ['attributes are devShells', 'repositories.1.attributes', ['devShells']],
    ['there are no upstreams', 'upstreams', []],
    ['prices are AWS’s list prices', 'prices', undefined],
    ['a NAR has 20 GB at most', 'limits.nar', { gigabytes: 20 }],
  ])('that leaves out what is usual: %s', (_, path, expected) => {
    const config = parseConfig(withValue(path, undefined)) as unknown as Record<string, unknown>
    const value = path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], config)
    expect(value).toEqual(expected)
  })
})

describe('every fault of a hearth.yml is named with its place', () => {
  const repository = 'repositories.0'
  const expectedUrl = 'expected an http(s) URL without a slash at its end'
  const expectedKey = 'expected a Nix public key, name:base64'
  const expectedSystem = 'expected a Nix system such as x86_64-linux'
  const expectedAttribute =
    'expected an attribute path such as devShells, or a file with or without one such as shell.nix or default.nix#tools'
  const expectedBranch = 'expected a branch name; * stands for anything but a slash'
  const expectedBoolean = 'Invalid input: expected boolean, received number'
  const positive = 'Too small: expected number to be >0'
  test.each([
    ['github', undefined, 'github: Invalid input: expected object, received undefined'],
    ['github.api', 'https://api.github.com/', `github.api: ${expectedUrl}`],
    ['github.git', 'git@github.com:', `github.git: ${expectedUrl}`],
    ['github.token', 'x', 'github: Unrecognized key: "token"'],
    ['repositories', [], 'repositories: Too small: expected array to have >=1 items'],
    [`${repository}.name`, 'shells', `${repository}.name: expected owner/name`],
    [`${repository}.name`, 'a/b/c', `${repository}.name: expected owner/name`],
    [
      `${repository}.refs`,
      undefined,
      `${repository}.refs: Invalid input: expected array, received undefined`,
    ],
    [`${repository}.refs`, [], `${repository}.refs: Too small: expected array to have >=1 items`],
    [`${repository}.refs`, ['main', 'my branch'], `${repository}.refs.1: ${expectedBranch}`],
    [`${repository}.refs`, ['main~1'], `${repository}.refs.0: ${expectedBranch}`],
    [`${repository}.reefs`, ['main'], `${repository}: Unrecognized key: "reefs"`],
    [`${repository}.attributes`, [], `${repository}.attributes: Too small: expected array to have >=1 items`],
    [`${repository}.attributes`, ['devShells; x'], `${repository}.attributes.0: ${expectedAttribute}`],
    [`${repository}.attributes`, ['"a".b'], `${repository}.attributes.0: ${expectedAttribute}`],
    [`${repository}.systems`, ['linux'], `${repository}.systems.0: ${expectedSystem}`],
    [`${repository}.systems`, ['x86_64-linux; rm'], `${repository}.systems.0: ${expectedSystem}`],
    ['upstreams.0.url', 'cache.nixos.org', `upstreams.0.url: ${expectedUrl}`],
    ['upstreams.0.publicKeys', [], 'upstreams.0.publicKeys: Too small: expected array to have >=1 items'],
    ['upstreams.0.publicKeys', ['cache.nixos.org-1'], `upstreams.0.publicKeys.0: ${expectedKey}`],
    ['cache.publicKeys', [KEY.slice(0, -2)], `cache.publicKeys.0: ${expectedKey}`],
    ['cache', [KEY], 'cache: Invalid input: expected object, received array'],
    ['limits.evaluation.secondsPerSystem', 0, `limits.evaluation.secondsPerSystem: ${positive}`],
    [
      'limits.evaluation.megabytes',
      '6 GB',
      'limits.evaluation.megabytes: Invalid input: expected number, received string',
    ],
    ['builders', { 'aarch64-darwin': { fleet: 1 } }, `builders.aarch64-darwin.fleet: ${expectedBoolean}`],
    ['builders', { 'aarch64-darwin': { waitHours: 0 } }, `builders.aarch64-darwin.waitHours: ${positive}`],
    ['limits.nar', { gigabytes: 0 }, `limits.nar.gigabytes: ${positive}`],
    [
      'limits.nar',
      { gigabytes: '20 GB' },
      'limits.nar.gigabytes: Invalid input: expected number, received string',
    ],
    ['prices', { minutes: { x: -1 } }, 'prices.minutes.x: Too small: expected number to be >=0'],
    ['prices', { hours: 1 }, 'prices: Unrecognized key: "hours"'],
    ['surprise', 1, '(top): Unrecognized key: "surprise"'],
  ])('%s = %j', (path, value, fault) => {
    expect(faultsOf(withValue(path, value))).toEqual([fault])
  })

  test('all of them at once', () => {
    expect(faultsOf('github: {api: x, git: y}\nrepositories: []\ncache: {publicKeys: [z]}\n')).toEqual([
      `github.api: ${expectedUrl}`,
      `github.git: ${expectedUrl}`,
      'repositories: Too small: expected array to have >=1 items',
      `cache.publicKeys.0: ${expectedKey}`,
      'limits: Invalid input: expected object, received undefined',
    ])
  })

  test.each([
    ['aarch64-darwin', { fleet: true, waitHours: 24 }, 'take either `fleet` or `waitHours` out'],
    ['x86_64-darwin', { fleet: true }, 'CodeBuild has fleets of Macs for aarch64-darwin alone'],
    ['x86_64-linux', { fleet: true }, 'CodeBuild has fleets of Macs for aarch64-darwin alone'],
  ])('a fleet that cannot be: %s: %j', (system, builder, fault) => {
    const [first, ...more] = faultsOf(withValue('builders', { [system]: builder }))
    expect(first).toContain(`hearth.yml: builders: ${system}: `)
    expect(first).toContain(fault)
    expect(more).toEqual([])
  })

  test.each([
    { fleet: true, machines: 2, slots: 12 },
    { fleet: false, waitHours: 12 },
    { waitHours: 12 },
    {},
  ])('but Macs may be %j', (builder) => {
    const { builders } = parseConfig(withValue('builders', { 'aarch64-darwin': builder }))
    expect(builders).toEqual({ 'aarch64-darwin': { machines: 10, slots: 8, features: [], ...builder } })
  })

  test('a repository that is listed twice', () => {
    const twice = withValue('repositories.1.name', 'acme/shells')
    expect(faultsOf(twice)).toEqual(['hearth.yml: repositories: acme/shells is listed twice'])
    // to GitHub they are one
    expect(faultsOf(withValue('repositories.1.name', 'Acme/Shells'))).toEqual([
      'hearth.yml: repositories: acme/shells is listed twice',
    ])
  })

  test('what is no YAML at all, with its line', () => {
    expect(() => parseConfig('github:\n  api: [', 'other.yml')).toThrow(/^other\.yml is not YAML: .* line 2/)
  })
})

describe('which refs are warmed', () => {
  const REPOSITORY: RepositoryConfig = {
    name: 'acme/shells',
    refs: [],
    tags: [],
    schedule: 'weekly',
    privateInputs: [],
    attributes: ['devShells'],
    systems: ['x86_64-linux'],
  }

  test.each([
    ['refs/heads/main', ['main'], true],
    ['refs/heads/mainly', ['main'], false],
    ['refs/heads/feature/main', ['main'], false],
    ['main', ['main'], false],
    ['refs/tags/main', ['main'], false],
    ['refs/tags/v1', ['*'], false],
    ['refs/heads/release/1.0', ['release/*'], true],
    ['refs/heads/release', ['release/*'], false],
    ['refs/heads/release/1.0/hotfix', ['release/*'], false],
    ['refs/heads/release/1.0/hotfix', ['release/**'], true],
    ['refs/heads/anything', ['*'], true],
    ['refs/heads/feature/anything', ['*'], false],
    ['refs/heads/feature/anything', ['**'], true],
    ['refs/heads/feature/a/b/x', ['feature/**x'], true],
    ['refs/heads/.hidden', ['*'], true],
    ['refs/heads/wip-1-x', ['wip-*-x'], true],
    ['refs/heads/wip-1-y', ['wip-*-x'], false],
    // nothing but stars has a meaning of its own
    ['refs/heads/a', ['{a,b}'], false],
    ['refs/heads/{a,b}', ['{a,b}'], true],
    ['refs/heads/vX.0', ['v*.0'], true],
    ['refs/heads/vXX0', ['v*.0'], false],
    ['refs/heads/dev', ['main', 'dev'], true],
  ])('%s with %j: %s', (ref, refs, expected) => {
    expect(isConfiguredRef({ ...REPOSITORY, refs }, ref)).toBe(expected)
  })

  test('tags are no branches', () => {
    const tagged = { ...REPOSITORY, tags: ['v*'] }
    expect(isConfiguredRef(tagged, 'refs/tags/v1')).toBe(true)
    expect(isConfiguredRef(tagged, 'refs/tags/w1')).toBe(false)
    expect(isConfiguredRef(tagged, 'refs/heads/v1')).toBe(false)
  })
})

test('a stored configuration is named by what it says, not by how it was written', () => {
  const config = parseConfig(stringify(complete()))
  const commented = parseConfig(`# a comment\n${stringify(complete())}`)
  const changed = parseConfig(withValue('limits.evaluation.megabytes', 1))
  expect(storedConfig(config)).toEqual({
    version: 1,
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    config,
  })
  expect(storedConfig(commented).sha256).toBe(storedConfig(config).sha256)
  expect(storedConfig(changed).sha256).not.toBe(storedConfig(config).sha256)
})

test('a configuration that an earlier version stored has what was added since', async () => {
  const { config, sha256 } = storedConfig(parseConfig(stringify(complete())))
  const before = config.repositories.map(({ name, refs, attributes, systems }) => ({
    name,
    refs,
    attributes,
    systems,
  }))
  const buckets = new Buckets()
  buckets.put('state/config/current.json', {
    version: 1,
    sha256,
    config: { ...config, repositories: before },
  })
  expect((await currentConfig({ s3: new S3Client({}), name: 'state' })).config).toEqual(config)
})
