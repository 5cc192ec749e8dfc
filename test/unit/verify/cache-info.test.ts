import { describe, expect, test } from 'vitest'
import { installation } from '../../../functions/install/installation.ts'
import { checkCacheInfo } from '../../../scripts/hearth/verify/check-cache-info.ts'

const HEARTH_YML = `
github: { api: https://api.github.com, git: https://github.com }
repositories: [{ name: acme/shells, refs: [main], systems: [x86_64-linux] }]
limits: { evaluation: { secondsPerSystem: 60, megabytes: 1024 } }
`

test('what a deployment installs is right', () => {
  const { objects } = installation(new Uint8Array(), HEARTH_YML, { state: 'state', cache: 'cache' })
  const info = objects.find(({ key }) => key === 'nix-cache-info')
  expect(checkCacheInfo(String(info?.body))).toEqual([])
})

describe('nix-cache-info is wrong', () => {
  test.each([
    ['when it is missing', undefined, ['there is none']],
    ['when it is empty', '', ['StoreDir is missing', 'WantMassQuery is missing', 'Priority is missing']],
    [
      'of another store',
      'StoreDir: /gnu/store\nWantMassQuery: 1\nPriority: 50\n',
      ['StoreDir is /gnu/store'],
    ],
    [
      'as a writing `nix copy` makes it',
      'StoreDir: /nix/store\n',
      ['WantMassQuery is missing', 'Priority is missing'],
    ],
    [
      'without mass queries',
      'StoreDir: /nix/store\nWantMassQuery: 0\nPriority: 50\n',
      ['WantMassQuery is 0'],
    ],
    [
      'with a priority that is no number',
      'StoreDir: /nix/store\nWantMassQuery: 1\nPriority: high\n',
      ['Priority is high'],
    ],
  ])('%s', (_, text, details) => {
    const faults = checkCacheInfo(text)
    expect(faults.map(({ fault }) => fault)).toEqual(details.map(() => 'cache-info'))
    for (const [index, detail] of details.entries()) expect(faults[index]?.detail).toContain(detail)
  })
})
