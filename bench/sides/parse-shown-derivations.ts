import { execFileSync } from 'node:child_process'

interface Shown {
  env: Record<string, string>
  inputDrvs?: Record<string, unknown>
  inputs?: { drvs: Record<string, unknown> }
}

/** Runs a command that prints derivations as Nix's JSON, parses it, and counts what `read-closure.ts` counts. Arguments: the command. */
const [program = '', ...args] = process.argv.slice(2)
const json: Record<string, Shown> & { derivations?: Record<string, Shown> } = JSON.parse(
  execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'inherit'] }),
)
// Nix 2.34 wraps the derivations and their inputs once more.
const derivations = Object.values(json.derivations ?? json)
let inputs = 0
let features = 0
let local = 0
for (const drv of derivations) {
  inputs += Object.keys(drv.inputDrvs ?? drv.inputs?.drvs ?? {}).length
  features += drv.env['requiredSystemFeatures']?.split(' ').length ?? 0
  if ((drv.env['allowSubstitutes'] ?? '1') !== '1') local++
}
process.stdout.write(
  `${derivations.length} derivations, ${inputs} inputs, ${features} required features, ${local} built locally\n`,
)
