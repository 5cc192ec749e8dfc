import { describe, expect, test } from 'vitest'
import { checkRunOf } from '../../../../functions/report/check-run/check-run.ts'
import { costOf } from '../../../../functions/report/cost.ts'
import { pricesOf } from '../../../../functions/report/prices.ts'
import type { RunReport } from '../../../../functions/report/run-report.ts'
import { drv } from '../graphs.ts'
import { LINK, runReport, shell } from './run-reports.ts'

const logLink = (name: string): string => `https://console/${name}`
const contentOf = (report: RunReport) => checkRunOf(report, logLink).content
const failed = shell('web', 'failed', { reason: "attribute 'nodejs_30' missing\nat nix/shells.nix:12:39" })
const ERROR = { name: 'UpstreamUnavailable', message: 'https://c could not be asked' }
const working = { verdict: undefined } as unknown as Partial<RunReport>

describe('a check run says in its title and conclusion how a run stands', () => {
  const cases: [string, Partial<RunReport>, string, string | undefined][] = [
    ['all warm', {}, '3 of 3 shells are warm', 'success'],
    ['one shell', { shells: [shell('default', 'warm')] }, 'The shell is warm', 'success'],
    [
      'a shell does not evaluate',
      { shells: [shell('a', 'warm'), failed] },
      '1 of 2 shells are warm',
      'failure',
    ],
    [
      'stuck',
      { verdict: 'stuck', shells: [shell('a', 'warm'), shell('b', 'cold')] },
      '1 of 2 shells are warm',
      'failure',
    ],
    [
      'a newer commit',
      { verdict: 'superseded', supersededBy: 'abcdef0123', shells: [shell('a', 'warm'), shell('b', 'cold')] },
      'Superseded by abcdef0: 1 of 2 shells are warm by then',
      'cancelled',
    ],
    [
      'the run broke',
      { verdict: 'failed', error: ERROR },
      'The run failed: UpstreamUnavailable: https://c could not be asked',
      'failure',
    ],
    [
      'somebody aborted it',
      { verdict: 'failed', error: { name: 'ExecutionAborted', message: 'Step Functions says ABORTED' } },
      'The run failed: ExecutionAborted: Step Functions says ABORTED',
      'cancelled',
    ],
    [
      'it took a week',
      { verdict: 'failed', error: { name: 'ExecutionTimedOut', message: 'x' } },
      'The run failed: ExecutionTimedOut: x',
      'timed_out',
    ],
    [
      'lanes at work',
      { ...working, shells: [shell('a', 'warm'), shell('b', 'building', { missing: 4 })] },
      '1 of 2 shells are warm',
      undefined,
    ],
  ]
  test.each(cases)('%s', (_, more, title, conclusion) => {
    const { output, status, ...content } = contentOf(runReport(more))
    expect([output.title, content.conclusion]).toEqual([title, conclusion])
    expect(status).toBe(conclusion === undefined ? 'in_progress' : 'completed')
  })

  test('and carries what GitHub gives back when somebody asks for another run', () => {
    expect(contentOf(runReport())).toMatchObject({
      name: 'Hearth',
      external_id: 'refs/heads/main',
      details_url: LINK,
    })
    expect(contentOf(runReport({ isPartial: true })).name).toBe('Hearth (attributes)')
  })
})

describe('the table has a row for each shell and system, what needs eyes first', () => {
  test('of a run that goes on', () => {
    const shells = [
      shell('a', 'warm'),
      shell('b', 'built', { built: 2, seconds: 190 }),
      shell('c', 'building', { missing: 4 }),
      shell('d', 'waiting', { system: 'aarch64-darwin', missing: 1 }),
      failed,
    ]
    const { summary } = contentOf(runReport({ ...working, shells, outcomes: [] })).output
    expect(summary).toBe(`| Shell | System |  |  |
| --- | --- | --- | --- |
| \`devShells.x86_64-linux.web\` | x86_64-linux | ❌ failed | \`attribute 'nodejs_30' missing at nix/shells.nix:12:39\` |
| \`devShells.aarch64-darwin.d\` | aarch64-darwin | ⏳ waiting for a Mac | 1 to come |
| \`devShells.x86_64-linux.c\` | x86_64-linux | 🔨 building | 4 to come |
| \`devShells.x86_64-linux.b\` | x86_64-linux | ✅ built | 2 built, 3 min of building |
| \`devShells.x86_64-linux.a\` | x86_64-linux | ✅ warm |  |`)
  })

  test('as many as somebody reads', () => {
    const shells = Array.from({ length: 300 }, (_, index) => shell(`s${index}`, 'warm'))
    const { summary } = contentOf(runReport({ shells })).output
    expect(summary.match(/^\| `devShells/gm)).toHaveLength(200)
    expect(summary).toContain('… and 100 more.')
  })
})

test('what was built and how long it took, longest first', () => {
  const { summary } = contentOf(runReport()).output
  expect(summary).toContain('3 built in 4 min, 120.5 MB added.')
  expect(summary).toContain(`### Built

3 derivations, 4 min of building altogether.

| Derivation | System | Time | Added |
| --- | --- | --- | --- |
| \`app\` | x86_64-linux | 3 min | 100.0 MB |
| \`mac\` | aarch64-darwin | 1 min | 500.0 kB |
| \`lib\` | x86_64-linux | 40 s | 20.0 MB |`)
})

describe('what a new laptop downloads', () => {
  const downloads = {
    version: 1 as const,
    run: 'run-1',
    shells: [
      {
        attribute: 'devShells.x86_64-linux.default',
        system: 'x86_64-linux',
        sources: [
          { source: 'cache', paths: 12, bytes: 120_500_000 },
          { source: 'https://cache.nixos.org', paths: 310, bytes: 1_200_000_000 },
          { source: 'https://empty.example.org', paths: 0, bytes: 0 },
        ],
        unknown: 2,
        missing: 1,
        builtPaths: 4,
        buildSeconds: 190,
        built: 3,
        hint: 'nixpkgs is pinned to a branch that nobody builds for Macs',
      },
    ],
  }
  test('paths and bytes per source, and what would save builds', () => {
    const { summary } = contentOf(runReport({ downloads })).output
    expect(summary).toContain(
      '| `devShells.x86_64-linux.default` | x86_64-linux | this cache: 12 paths, 120.5 MB, 4 of them built by this run; `cache.nixos.org`: 310 paths, 1.2 GB; unknown: 2 paths; nowhere yet: 1 paths | 1.3 GB |',
    )
    expect(summary).toContain('💡 `nixpkgs is pinned to a branch that nobody builds for Macs`')
    expect(summary).not.toContain('empty')
  })
  test('is not spoken of when nobody has looked', () => {
    expect(contentOf(runReport()).output.summary).not.toContain('downloads')
  })
})

test('what it cost, by the price table, and what that leaves out', () => {
  const cost = costOf(
    [
      { machine: 'LINUX_CONTAINER BUILD_GENERAL1_LARGE', seconds: 241, isReserved: false },
      { machine: 'LINUX_CONTAINER BUILD_GENERAL1_LARGE', seconds: 60, isReserved: false },
      { machine: 'ALIEN BUILD_X', seconds: 61, isReserved: false },
      { machine: 'MAC_ARM BUILD_GENERAL1_MEDIUM', seconds: 600, isReserved: true },
    ],
    1,
    120_500_000,
    pricesOf(undefined),
  )
  const { summary } = contentOf(runReport({ cost })).output
  expect(summary).toContain(`### Cost

$0.12 of build minutes, without the machines that have no price; 120.5 MB of storage, $0.0028 a month.

| Machine | Builds | Minutes | Cost |
| --- | --- | --- | --- |
| \`ALIEN BUILD_X\` | 1 | 2 | no price known |
| \`LINUX_CONTAINER BUILD_GENERAL1_LARGE\` | 2 | 6 | $0.12 |

Prices: list prices of us-east-1, November 2026. Not counted: Macs of your own, reserved fleets,`)
  expect(summary).toContain('and 1 builds that CodeBuild says nothing of.')
})

describe('what failed', () => {
  const text = (more: Partial<RunReport>) =>
    contentOf(runReport({ verdict: 'stuck', ...more })).output.text ?? ''

  test('has the last lines of its log, and where all of it is', () => {
    const logTail = Array.from({ length: 30 }, (_, index) => `line ${index}`)
    const outcomes: RunReport['outcomes'] = [
      { drvPath: drv('ok'), system: 'x86_64-linux', outcome: 'published' },
      {
        drvPath: drv('bad'),
        system: 'x86_64-linux',
        outcome: 'failed',
        error: { name: 'BuildFailed', message: 'exit code 3', retryable: false },
        logTail,
      },
      { drvPath: drv('user-of-bad'), system: 'x86_64-linux', outcome: 'dependency-failed' },
    ]
    const name = drv('bad').slice('/nix/store/'.length)
    expect(text({ outcomes })).toBe(`#### \`${name}\`

failed: \`BuildFailed: exit code 3\`

\`\`\`text
${logTail.slice(-20).join('\n')}
\`\`\`

[The whole log](https://console/${name}), or \`hearth run log run-1 ${name}\``)
  })

  test('of the evaluation of several systems is said once', () => {
    const reason = 'error: no such package'
    const shells = [
      { ...failed, reason },
      { ...failed, attribute: 'devShells.aarch64-linux.web', system: 'aarch64-linux', reason },
      { ...failed, attribute: 'shell.nix', system: 'aarch64-linux', reason },
    ]
    expect(text({ shells })).toBe(
      `#### \`devShells.x86_64-linux.web\`, \`devShells.aarch64-linux.web\`, \`shell.nix\` for aarch64-linux\n\n\`\`\`text\n${reason}\n\`\`\``,
    )
  })

  test('comes after the run itself and what does not evaluate', () => {
    const said = text({
      error: ERROR,
      shells: [failed],
      outcomes: [{ drvPath: drv('bad'), system: 'x86_64-linux', outcome: 'lost' }],
    })
    const order = [
      '#### The run itself: `UpstreamUnavailable`',
      '#### `devShells.x86_64-linux.web`\n',
      'lost',
    ]
    expect(order.map((part) => said.indexOf(part))).toEqual(
      order.map((part) => said.indexOf(part)).toSorted((a, b) => a - b),
    )
    expect(order.every((part) => said.includes(part))).toBe(true)
  })

  test('fits into what GitHub takes, and says how much was left out', () => {
    const outcomes = Array.from({ length: 400 }, (_, index) => ({
      drvPath: drv(`bad-${index}`),
      system: 'x86_64-linux',
      outcome: 'failed' as const,
      logTail: Array.from({ length: 20 }, () => '€'.repeat(200)),
    }))
    const said = text({ outcomes })
    expect(Buffer.byteLength(said)).toBeLessThanOrEqual(65_535)
    const shown = said.match(/^#### /gm)?.length ?? 0
    expect(shown).toBeGreaterThan(3)
    expect(
      said.endsWith(
        `${400 - shown} more failures are left out here: \`hearth run show run-1\` has everything.`,
      ),
    ).toBe(true)
  })

  test('is nothing when nothing failed', () => {
    expect(contentOf(runReport()).output).not.toHaveProperty('text')
  })
})
