import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Guard } from './guard.ts'
import { run } from './run.ts'
import { patternOf } from './test-names.ts'

export interface TestRun {
  passed: number
  /** tests that failed; a file that could not be loaded has none */
  failed: { name: string; message: string }[]
  /** what was said last, when there was no test at all */
  said: string
}

interface Report {
  testResults: {
    message: string
    assertionResults: { status: string; fullName: string; failureMessages?: string[] }[]
  }[]
}

/** Runs the tests of one guard in a tree, up to the first that fails. */
export async function runTests(
  folder: string,
  { test, only }: Pick<Guard, 'test' | 'only'>,
  signal: AbortSignal,
): Promise<TestRun> {
  const report = join(folder, 'guard-report.json')
  const { said } = await run(
    folder,
    process.execPath,
    [
      join('node_modules', 'vitest', 'vitest.mjs'),
      'run',
      `--project=${test.split('/')[1] ?? ''}`,
      test,
      ...(only === undefined ? [] : ['--testNamePattern', patternOf(only)]),
      '--reporter=json',
      `--outputFile=${report}`,
      '--bail=1',
    ],
    signal,
  )
  if (!existsSync(report)) return { passed: 0, failed: [], said }
  const { testResults } = JSON.parse(await readFile(report, 'utf8')) as Report
  await rm(report)
  const results = testResults.flatMap(({ assertionResults }) => assertionResults)
  const message = testResults.map(({ message }) => message).join('\n')
  return {
    passed: results.filter(({ status }) => status === 'passed').length,
    failed: results
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages = [] }) => ({ name: fullName, message: failureMessages.join('\n') })),
    said: message.trim() || (results.length > 0 ? 'no test of that name was run' : said),
  }
}
