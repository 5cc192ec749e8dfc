import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Counts, runCampaign } from '../test/fuzz/campaign.ts'
import { run } from '../test/fuzz/execution.ts'
import { writeFinding } from '../test/fuzz/findings.ts'
import { loadSubjects } from '../test/fuzz/targets.ts'

const USAGE = `npm run fuzz -- [--minutes N] [--executions N] [--target NAME] [--seed N] [--replay FILE]

Mutates real narinfos, derivations, NARs, export archives, keys, hashes and store paths, on all cores, and checks every answer of nix/: no error but
those with a name, no hang, bounded memory, nothing taken that must not be. Ends after so many minutes (by default 1) or executions.
A finding is written to test/fuzz/findings/, and the exit code is 1. The same seed gives the same inputs.

  --target NAME   one of ${loadSubjects()
    .map(({ target }) => target.name)
    .join(', ')}; all by default
  --replay FILE   checks this one input with --target, and nothing else
`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      executions: { type: 'string' },
      target: { type: 'string' },
      seed: { type: 'string' },
      replay: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  const [minutes, executions] = [
    Number(values.minutes ?? (values.executions === undefined ? 1 : Infinity)),
    Number(values.executions ?? Infinity),
  ]
  const seed = Number(values.seed ?? randomInt(2 ** 31))
  const subjects = loadSubjects().filter(({ target }) => [undefined, target.name].includes(values.target))
  const isUsable = minutes > 0 && executions > 0 && Number.isInteger(seed) && subjects.length > 0
  if (values.help === true || !isUsable || (values.replay !== undefined && values.target === undefined)) {
    process.stderr.write(USAGE)
    process.exitCode = values.help === true ? 0 : 2
    return
  }
  const [subject] = subjects
  if (values.replay !== undefined && subject !== undefined) {
    const { taken, error } = await run(subject, readFileSync(values.replay))
    if (error !== undefined) throw error
    process.stdout.write(`${taken ? 'taken' : 'refused'}, and nothing is wrong with that\n`)
    return
  }
  let findings = 0
  process.stdout.write(`seed ${seed}\n`)
  const counts = await runCampaign({
    seed,
    subjects,
    executions,
    seconds: minutes * 60,
    progress: (now) => process.stdout.write(`${summary(now)}${left(now, executions, minutes)}\n`),
    found(finding) {
      findings++
      process.stdout.write(`\nFINDING in ${finding.target}, execution ${finding.index}: ${finding.kind}\n`)
      process.stdout.write(`${finding.message.slice(0, 2000)}\n  ${writeFinding(finding)}\n\n`)
    },
  })
  process.stdout.write(`${summary(counts)}\n`)
  for (const [name, { executions, taken }] of Object.entries(counts.targets))
    process.stdout.write(
      `  ${name.padEnd(12)} ${number(executions).padStart(12)} executions, ${number(taken).padStart(11)} taken\n`,
    )
  process.stdout.write(`${findings === 0 ? 'no findings' : `${findings} findings in test/fuzz/findings/`}\n`)
  process.exitCode = findings === 0 ? 0 : 1
}

function summary({ executions, seconds, rss }: Counts): string {
  const rate = Math.round(executions / seconds)
  return `${number(executions)} executions in ${Math.round(seconds)} s, ${number(rate)} a second, ${Math.round(rss / 2 ** 20)} MiB`
}

function left({ executions, seconds }: Counts, most: number, minutes: number): string {
  const byCount = ((most - executions) / executions) * seconds
  return `, ${Math.max(0, Math.round(Math.min(byCount, minutes * 60 - seconds)))} s left`
}

function number(value: number): string {
  return value.toLocaleString('en')
}

await main()
