import { Command } from 'commander'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ShellDownloads } from '../../../functions/shared/contract.ts'
import { addHits } from '../../../functions/shared/hits.ts'
import { addHitsCommand, daysOf } from '../../../scripts/hearth/hits/command.ts'
import type { Deployment } from '../../../scripts/hearth/deployment.ts'
import { formatHits } from '../../../scripts/hearth/hits/format-hits.ts'
import { listHits } from '../../../scripts/hearth/hits/list-hits.ts'
import { Buckets } from '../functions/buckets.ts'

const NIXOS = 'https://cache.nixos.org'
const LINUX = { attribute: 'devShells.x86_64-linux.default', system: 'x86_64-linux' }
const MAC = { attribute: 'devShells.aarch64-darwin.default', system: 'aarch64-darwin' }

function downloads(changes: Partial<ShellDownloads>): ShellDownloads {
  return {
    ...LINUX,
    sources: [
      { source: NIXOS, paths: 900, bytes: 1 },
      { source: 'cache', paths: 100, bytes: 1 },
    ],
    unknown: 0,
    missing: 0,
    builtPaths: 25,
    built: 30,
    buildSeconds: 90,
    ...changes,
  }
}

let buckets: Buckets
beforeEach(async () => {
  vi.useFakeTimers({ now: new Date('2026-11-23T10:00:00Z'), toFake: ['Date'] })
  buckets = new Buckets()
  const add = (repository: string, day: string, run: string, ...shells: ShellDownloads[]) =>
    addHits(buckets.bucket('state'), { repository, day, run }, shells)
  await add('acme/shells', '2026-10-24', 'run-0', downloads({ buildSeconds: 9000 }))
  await add('acme/shells', '2026-10-25', 'run-1', downloads({ hint: 'older' }))
  await add(
    'acme/shells',
    '2026-11-23',
    'run-2',
    downloads({ builtPaths: 0, built: 0, buildSeconds: 0 }),
    downloads({ ...MAC, hint: 'try another channel' }),
  )
  await add('acme/other', '2026-11-22', 'run-3', downloads({ sources: [], builtPaths: 0, unknown: 7 }))
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('the hits since a day', () => {
  test('are sums over the days, for each repository, system and shell', async () => {
    const hits = await listHits(buckets.bucket('state'), '2026-10-25')
    expect(hits.map(({ repository, system, runs }) => [repository, system, runs])).toEqual([
      ['acme/other', 'x86_64-linux', 1],
      ['acme/shells', 'aarch64-darwin', 1],
      ['acme/shells', 'x86_64-linux', 2],
    ])
    expect(hits[2]).toMatchObject({ cache: 175, built: 25, upstreams: { [NIXOS]: 1800 }, buildSeconds: 90 })
    expect(hits[2]).not.toHaveProperty('hint')
  })
  test('of one repository are read without the others', async () => {
    const asked: string[] = []
    buckets.before = (request) => void asked.push(request)
    const hits = await listHits(buckets.bucket('state'), '2026-11-01', 'acme/shells')
    expect(hits).toHaveLength(2)
    expect(asked).toEqual(['List hits/acme/shells/', 'Get hits/acme/shells/2026-11-23.json.zst'])
  })
})

describe('as text', () => {
  test('is a line for each, with tabs between the fields, and the hint below', async () => {
    const hits = await listHits(buckets.bucket('state'), '2026-10-25')
    expect(formatHits(hits, false).split('\n')).toEqual([
      'repository\tsystem\tshell\truns\tour cache\tcache.nixos.org\tbuilt\tmissing\tderivations built\tminutes of building',
      'acme/other\tx86_64-linux\tdevShells.x86_64-linux.default\t1\t?\t?\t?\t?\t30\t1.5',
      'acme/shells\taarch64-darwin\tdevShells.aarch64-darwin.default\t1\t7.5 %\t90.0 %\t2.5 %\t0.0 %\t30\t1.5',
      'hint\ttry another channel',
      'acme/shells\tx86_64-linux\tdevShells.x86_64-linux.default\t2\t8.8 %\t90.0 %\t1.3 %\t0.0 %\t30\t1.5',
    ])
  })
  test('on a terminal has columns', async () => {
    const lines = formatHits(await listHits(buckets.bucket('state'), '2026-11-23'), true).split('\n')
    const [head = '', mac = '', hint = '', linux = ''] = lines
    expect(hint).toContain('  try another channel')
    const end = head.indexOf('our cache') + 'our cache'.length
    expect([mac, linux].map((line) => line.slice(0, end).split('  ').at(-1)?.trim())).toEqual([
      '7.5 %',
      '10.0 %',
    ])
    expect(lines).toHaveLength(4)
  })
})

describe('hearth hits', () => {
  async function run(args: string[], json = false): Promise<string> {
    let text = ''
    vi.spyOn(process.stdout, 'write').mockImplementation((piece) => {
      text += String(piece)
      return true
    })
    const hearth = new Command('hearth').exitOverride().configureOutput({ writeErr: () => undefined })
    // of a deployment it needs the state bucket alone
    const deployment = { state: buckets.bucket('state') } as Deployment
    addHitsCommand(
      hearth,
      async () => deployment,
      () => json,
    )
    await hearth.parseAsync(['node', 'hearth', 'hits', ...args])
    return text
  }
  test('looks back 30 days, today among them', async () => {
    expect(JSON.parse(await run([], true))).toMatchObject({
      since: '2026-10-25',
      shells: [
        {},
        { rates: { cache: 0.075, upstreams: { [NIXOS]: 0.9 }, built: 0.025, missing: 0 } },
        { runs: 2 },
      ],
    })
  })
  test('looks back as far as it is told', async () => {
    expect(await run(['acme/shells', '--since', '1d'])).not.toContain('90.0 %\t1.3 %')
    expect(JSON.parse(await run(['--since', '5w'], true))).toMatchObject({ since: '2026-10-20' })
  })
  test('says when there is nothing', async () => {
    expect(await run(['acme/unknown'])).toBe(
      'no run since 2026-10-25 has planned anything for acme/unknown\n',
    )
  })
  test.each([
    ['1d', 1],
    ['2w', 14],
  ])('--since %s', (text, days) => {
    expect(daysOf(text)).toBe(days)
  })
  test.each(['0d', '30', 'd', '-1d', '99999d', '3m'])('--since %s is refused', async (since) => {
    await expect(run(['--since', since])).rejects.toThrow('such as 30d or 4w')
  })
})
