import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Credentials } from '../gateway/credentials.ts'
import { isAlive } from '../process/process-tree.ts'

/** `<folder>/stack.json`: where a running stack can be reached, and as whom. Its owner alone may read it. */
export interface StackFile {
  version: 1
  /** the process that runs the stack */
  pid: number
  endpoint: string
  /** base URL of the template's HTTP API; absent when it has none */
  api?: string
  region: string
  operator: Credentials
  outputs: Record<string, string>
  /** logical id -> physical id */
  resources: Record<string, string>
}

/** Two stacks on one folder would spoil each other's state. */
export class StackIsRunning extends Error {
  override name = 'StackIsRunning'
}

function fileOf(folder: string): string {
  return join(folder, 'stack.json')
}

/** What is known of the stack of a folder; undefined when none runs there. */
export function readStackFile(folder: string): StackFile | undefined {
  if (!existsSync(fileOf(folder))) return undefined
  const file: StackFile = JSON.parse(readFileSync(fileOf(folder), 'utf8'))
  return isAlive(file.pid) ? file : undefined
}

export function writeStackFile(folder: string, file: StackFile): void {
  writeFileSync(fileOf(folder), JSON.stringify(file, undefined, 1), { mode: 0o600 })
  chmodSync(fileOf(folder), 0o600)
}

export function removeStackFile(folder: string): void {
  rmSync(fileOf(folder), { force: true })
}
