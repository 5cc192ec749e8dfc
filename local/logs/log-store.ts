import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface LogEvent {
  /** milliseconds since 1970 */
  timestamp: number
  message: string
}

/** CloudWatch Logs as files that a person can read: `<folder>/<group>/<stream>.log`, one event a line after its time. */
export interface LogStore {
  append(group: string, stream: string, messages: readonly string[]): void
  /** undefined when there is no such stream */
  read(group: string, stream: string): LogEvent[] | undefined
  fileOf(group: string, stream: string): string
  close(): void
}

export function createLogStore(folder: string): LogStore {
  const open = new Map<string, number>()
  const fileOf = (group: string, stream: string): string =>
    join(folder, ...group.split('/').filter(Boolean).map(fileName), `${fileName(stream)}.log`)
  return {
    fileOf,
    append(group, stream, messages) {
      const file = fileOf(group, stream)
      let descriptor = open.get(file)
      if (descriptor === undefined) {
        mkdirSync(dirname(file), { recursive: true })
        descriptor = openSync(file, 'a')
        open.set(file, descriptor)
      }
      const now = new Date().toISOString()
      writeSync(descriptor, messages.map((message) => `${now} ${message}\n`).join(''))
    },
    read(group, stream) {
      const file = fileOf(group, stream)
      if (!existsSync(file)) return undefined
      return readFileSync(file, 'utf8').split('\n').slice(0, -1).map(parseLine)
    },
    close() {
      for (const descriptor of open.values()) closeSync(descriptor)
      open.clear()
    },
  }
}

/** The time is 24 characters of ISO 8601; a line without one belongs to what was before it. */
function parseLine(line: string): LogEvent {
  const timestamp = Date.parse(line.slice(0, 24))
  return Number.isNaN(timestamp) ? { timestamp: 0, message: line } : { timestamp, message: line.slice(25) }
}

/** A name of a group or stream as a file name: neither `/` nor a leading dot. */
function fileName(part: string): string {
  return part.replace(/[^\w.$[\]-]/g, '_').replace(/^\./, '_')
}
