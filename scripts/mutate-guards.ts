import { parseArgs } from 'node:util'
import { formatProofs, proofsAsJson } from './mutate-guards/format-proofs.ts'
import { GUARDS } from './mutate-guards/guards.ts'
import { showProgress } from './mutate-guards/progress.ts'
import { prove } from './mutate-guards/prove.ts'

const USAGE = `npm run mutate:guards [-- [--json] NAME...]

Shows that every guard is needed: takes one at a time out of a copy of the source, runs the tests that are to notice, and expects that one fails. With
all guards in place the same tests must pass. Where two guards stop the same, both are taken out, and one alone must not be missed. Ends with 1 when
anything of this does not hold. Progress goes to standard error, the table to standard output.

  NAME     only guards whose name, file or test has this in it
  --json   the table as JSON
`

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean' }, help: { type: 'boolean' } },
  })
  const chosen = GUARDS.filter(
    ({ name, file, test }) =>
      positionals.length === 0 ||
      positionals.some((part) => [name, file, test].some((text) => text.includes(part))),
  )
  if (values.help === true || chosen.length === 0) {
    process.stderr.write(chosen.length === 0 ? `no guard is called that\n\n${USAGE}` : USAGE)
    process.exitCode = values.help === true ? 0 : 2
    return
  }
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  const started = performance.now()
  const progress = showProgress(chosen.length)
  const proofs = await prove(chosen, progress.proved, stop.signal).finally(progress.end)
  const seconds = (performance.now() - started) / 1000
  const needed = proofs.filter(({ isNeeded }) => isNeeded).length
  process.stdout.write(
    values.json === true
      ? proofsAsJson(proofs, seconds)
      : `${formatProofs(proofs)}\n${needed} of ${chosen.length} guards are needed; ${(seconds / 60).toFixed(1)} minutes\n`,
  )
  if (needed < chosen.length) process.exitCode = 1
}

try {
  await main()
} catch (error) {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error
  process.stderr.write('stopped\n')
  // 128 + the number of SIGINT, as a shell reports it
  process.exitCode = 130
}
