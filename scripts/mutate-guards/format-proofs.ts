import type { Proof } from './prove.ts'

/** A line for each guard: whether it is needed, what it sees to, where it is, and the test that fails without it. */
export function formatProofs(proofs: Proof[]): string {
  const rows = [
    ['', 'guard', 'file', 'test that fails without it'],
    ...proofs.map(({ guard, isNeeded, says }) => [
      isNeeded ? 'needed' : 'FAILED',
      guard.name,
      guard.covered === undefined || guard.covered.file === guard.file
        ? guard.file
        : `${guard.file}, ${guard.covered.file}`,
      isNeeded ? `${guard.test}: ${says}${coveredBy(guard.covered?.by)}` : says.replaceAll(/\s+/g, ' '),
    ]),
  ]
  // the last column has no width: names of tests are long
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}

function coveredBy(by: string | undefined): string {
  return by === undefined ? '' : ` (without both; alone it is covered: ${by})`
}

/** What `--json` prints. */
export function proofsAsJson(proofs: Proof[], seconds: number): string {
  const guards = proofs.map(({ guard, isNeeded, says, seconds }) => ({
    guard: guard.name,
    file: guard.file,
    ...(guard.covered === undefined ? {} : { coveredBy: guard.covered.by, alsoIn: guard.covered.file }),
    needed: isNeeded,
    testFile: guard.test,
    ...(isNeeded ? { test: says } : { because: says }),
    seconds: Math.round(seconds * 10) / 10,
  }))
  const needed = proofs.filter(({ isNeeded }) => isNeeded).length
  return `${JSON.stringify({ version: 1, needed, of: proofs.length, seconds: Math.round(seconds), guards }, null, 2)}\n`
}
