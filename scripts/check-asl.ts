import { readdir, readFile } from 'node:fs/promises'
import { checkMachine } from './check/asl/check-machine.ts'
import { reportFindings } from './check/finding.ts'

/** Checks every state machine. One line per finding; exits with 1 when there is one. */
const folder = 'statemachines'
const files = (await readdir(folder))
  .filter((file) => file.endsWith('.asl.json'))
  .map((file) => `${folder}/${file}`)
if (files.length === 0) throw new Error(`${folder}/ holds no *.asl.json: run this in the project's folder`)
const findings = await Promise.all(
  files.map(async (file) => checkMachine(file, await readFile(file, 'utf8'))),
)
reportFindings(findings.flat(), `${files.length} state machines`)
