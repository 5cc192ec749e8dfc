import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Execution } from './execution.ts'

/** Something that must not happen, and did. */
export interface Finding extends Execution {
  /** the error's name, its message without what varies, its place; or `hang`, `memory` */
  kind: string
  message: string
  input: Uint8Array
  /** the smallest input with the same kind; the input itself when none was sought */
  minimised: Uint8Array
}

const FOLDER = join(import.meta.dirname, 'findings')

/** Writes a finding as two files: the minimised input, and what is known of it; returns the path of the first. */
export function writeFinding({ input, minimised, ...finding }: Finding): string {
  mkdirSync(FOLDER, { recursive: true })
  const id = createHash('sha256').update(finding.kind).digest('hex').slice(0, 12)
  const path = join(FOLDER, `${finding.target}-${id}`)
  writeFileSync(path, minimised)
  const known = { ...finding, input: Buffer.from(input).toString('base64') }
  writeFileSync(`${path}.json`, `${JSON.stringify(known, null, 2)}\n`)
  return path
}
