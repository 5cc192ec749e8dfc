import { describe, expect, test } from 'vitest'
import { cleanEnvironment, options, portions } from '../../../builders/machine/nix-command.ts'
import { readSettings } from '../../../builders/machine/settings.ts'
import { TimeBudget } from '../../../builders/evaluation/time-budget.ts'

describe('what a process of Nix sees of the builder’s environment', () => {
  const inherited = {
    PATH: '/usr/bin',
    NIX_CONFIG: 'extra-platforms = aarch64-linux',
    https_proxy: 'http://proxy:3128',
    HOME: '/root',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/credentials',
    HEARTH_JOB: 'runs/1/job.json',
    CODEBUILD_BUILD_ID: 'x',
    NODE_OPTIONS: '--inspect',
  }
  const environment = cleanEnvironment('/batch/home', inherited)

  test.each([
    ['PATH', '/usr/bin'],
    ['NIX_CONFIG', 'extra-platforms = aarch64-linux'],
    ['https_proxy', 'http://proxy:3128'],
    ['HOME', '/batch/home'],
    ['XDG_CACHE_HOME', '/batch/home/.cache'],
  ])('%s is %s', (name, value) => expect(environment[name]).toBe(value))

  test.each([
    'AWS_SECRET_ACCESS_KEY',
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    'HEARTH_JOB',
    'CODEBUILD_BUILD_ID',
    'NODE_OPTIONS',
  ])('never %s', (name) => expect(environment).not.toHaveProperty(name))
})

test('settings become flags, so that the machine’s other settings stay', () => {
  expect(options({ sandbox: 'true', substituters: '' })).toEqual([
    '--option',
    'sandbox',
    'true',
    '--option',
    'substituters',
    '',
  ])
})

test('4001 paths take three commands', () => {
  const paths = Array.from({ length: 4001 }, (_, index) => index)
  expect(portions(paths).map((portion) => portion.length)).toEqual([2000, 2000, 1])
  expect(portions(paths).flat()).toEqual(paths)
})

describe('settings', () => {
  const enough = {
    HEARTH_STATE_BUCKET: 'state',
    HEARTH_STAGING_BUCKET: 'staging',
    HEARTH_CACHE_BUCKET: 'cache',
  }
  test('the sandbox is on unless somebody says otherwise', () => {
    expect(readSettings(enough)).toMatchObject({ sandbox: 'true', zstdLevel: 6 })
    expect(readSettings({ ...enough, HEARTH_SANDBOX: 'relaxed' })).toMatchObject({ sandbox: 'relaxed' })
  })
  test.each([
    ['HEARTH_STATE_BUCKET', '', 'HEARTH_STATE_BUCKET is not set'],
    ['HEARTH_SANDBOX', 'no', 'must be true, relaxed or false'],
    ['HEARTH_ZSTD_LEVEL', '20', 'must be a number from 1 to 19'],
    ['HEARTH_IDLE_SECONDS', '0', 'must be a number of seconds'],
    ['HEARTH_HEARTBEAT_SECONDS', '1.5', 'must be a number of seconds'],
  ])('%s=%s is refused', (name, value, message) => {
    expect(() => readSettings({ ...enough, [name]: value })).toThrow(message)
  })
})

describe('the time for one system', () => {
  test('attributes that never finish leave some for the others, and never exceed the whole', () => {
    let now = 0
    const budget = new TimeBudget(80, () => now)
    const used: number[] = []
    for (const left of [4, 3, 2, 1]) {
      const share = budget.share(left)
      used.push(share)
      now += share * 1000
    }
    expect(used).toEqual([40, 20, 10, 10])
    expect(budget.share(1)).toBe(0)
  })
})
