// Plain JavaScript that any Node runs: `node ci-summary.mjs <vitest's JSON report> <exit status of the test command>`.
// Ends with a line of its own, `N passed, N failed`. Failed is also, and is named: a test that did not run, a file that could not be loaded,
// a run without any test, and a test command that failed although every test passed.
import { readFileSync } from 'node:fs'

const [, , file, status] = process.argv

/** @returns {{ passed: number, failed: string[] }} */
function read() {
  let report
  try {
    report = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return { passed: 0, failed: ['no tests ran: see above what stopped the test command before them'] }
  }
  const tests = report.testResults.flatMap(({ name, assertionResults, status, message }) => {
    const unloaded = status === 'failed' && !assertionResults.some((test) => test.status === 'failed')
    const ofFile = unloaded ? [{ status, fullName: `${name}: ${message}` }] : []
    return [...assertionResults, ...ofFile]
  })
  const failed = tests
    .filter(({ status }) => status !== 'passed')
    .map(({ status, fullName }) => (status === 'failed' ? fullName : `${fullName} (did not run: ${status})`))
  return { passed: tests.length - failed.length, failed: tests.length === 0 ? ['no tests ran'] : failed }
}

const { passed, failed } = read()
if (status !== '0' && failed.length === 0) {
  failed.push(`the test command ended with ${status}, although every test passed: see above`)
}
for (const name of failed) console.log(`not passed: ${name}`)
console.log(`${passed} passed, ${failed.length} failed`)
process.exitCode = failed.length > 0 ? 1 : 0
