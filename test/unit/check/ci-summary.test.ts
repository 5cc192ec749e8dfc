import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'hearth-ci-summary-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** What the summary prints of a report of vitest, and its exit code. */
function summary(report: string, status = '0'): { lines: string[]; exitCode: number | null } {
  const file = join(folder, 'report.json')
  writeFileSync(file, report)
  const { stdout, status: exitCode } = spawnSync(process.execPath, ['scripts/ci-summary.mjs', file, status], {
    encoding: 'utf8',
  })
  return { lines: stdout.trimEnd().split('\n'), exitCode }
}

const file = (status: string, tests: [name: string, status: string][], message = '') => ({
  name: 'a.test.ts',
  status,
  message,
  assertionResults: tests.map(([fullName, status]) => ({ fullName, status })),
})
const reportOf = (...files: object[]) => JSON.stringify({ testResults: files })

describe('the last line says how many tests passed and failed, and the exit code whether all did', () => {
  test.each([
    [
      'all passed',
      reportOf(
        file('passed', [
          ['a', 'passed'],
          ['b', 'passed'],
        ]),
      ),
      '0',
      ['2 passed, 0 failed'],
      0,
    ],
    [
      'one failed',
      reportOf(
        file('failed', [
          ['a', 'passed'],
          ['b', 'failed'],
        ]),
      ),
      '1',
      ['not passed: b', '1 passed, 1 failed'],
      1,
    ],
    [
      'one was skipped',
      reportOf(
        file('passed', [
          ['a', 'passed'],
          ['b', 'skipped'],
        ]),
      ),
      '0',
      ['not passed: b (did not run: skipped)', '1 passed, 1 failed'],
      1,
    ],
    [
      'a file could not be loaded',
      reportOf(file('passed', [['a', 'passed']]), file('failed', [], 'SyntaxError')),
      '1',
      ['not passed: a.test.ts: SyntaxError', '1 passed, 1 failed'],
      1,
    ],
    ['nothing ran', reportOf(), '0', ['not passed: no tests ran', '0 passed, 1 failed'], 1],
    [
      'a check failed before the tests',
      '',
      '1',
      ['not passed: no tests ran: see above what stopped the test command before them', '0 passed, 1 failed'],
      1,
    ],
    [
      'an error outside any test',
      reportOf(file('passed', [['a', 'passed']])),
      '1',
      [
        'not passed: the test command ended with 1, although every test passed: see above',
        '1 passed, 1 failed',
      ],
      1,
    ],
  ])('%s', (_, report, status, lines, exitCode) => {
    expect(summary(report, status)).toEqual({ lines, exitCode })
  })
})
