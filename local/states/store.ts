import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Json, JsonObject } from './asl/json.ts'
import type { HistoryEvent } from './history.ts'

export interface MachineRecord {
  name: string
  arn: string
  /** as it was sent: DescribeStateMachine gives it back to the letter */
  definition: string
  roleArn: string
  status: 'ACTIVE' | 'DELETING'
  /** milliseconds since 1970, like every time in these records */
  creationDate: number
  updateDate: number
  /** none until the first update */
  revisionId?: string
}

export interface ActivityRecord {
  name: string
  arn: string
  creationDate: number
}

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED'

/** A place between two top-level states, with all that is needed to go on from there. */
export interface Checkpoint {
  state: string
  input: Json
  variables: JsonObject
  entered: number
  previousEventId: number
}

export interface ExecutionRecord {
  name: string
  arn: string
  machineName: string
  machineArn: string
  roleArn: string
  revisionId?: string
  machineUpdateDate: number
  status: ExecutionStatus
  startDate: number
  stopDate?: number
  /** JSON text as it was sent */
  input: string
  output?: string
  error?: string
  cause?: string
  /** how often a restart of the stack has taken it up again */
  redriveCount: number
  redriveDate?: number
  checkpoint?: Checkpoint
}

/**
 * The durable state of Step Functions, under one folder:
 *
 *     state-machines/<name>.json
 *     activities/<name>.json
 *     executions/<machine>/<execution>/execution.json    status and last checkpoint, replaced as a whole
 *                                      definition.json   the definition that it runs, whatever is updated later
 *                                      history.jsonl     one event a line, only ever appended to
 *
 * Everything is written before the call that caused it is answered, and survives the death of the process (not of the machine: nothing is fsynced).
 */
export class Store {
  readonly #folder: string
  constructor(folder: string) {
    this.#folder = folder
    for (const part of ['state-machines', 'activities', 'executions'])
      mkdirSync(join(folder, part), { recursive: true })
  }

  machines(): MachineRecord[] {
    return this.#all('state-machines')
  }
  saveMachine(record: MachineRecord): void {
    this.#replace(this.#path('state-machines', record.name), record)
  }
  removeMachine(name: string): void {
    rmSync(this.#path('state-machines', name), { force: true })
  }

  activities(): ActivityRecord[] {
    return this.#all('activities')
  }
  saveActivity(record: ActivityRecord): void {
    this.#replace(this.#path('activities', record.name), record)
  }
  removeActivity(name: string): void {
    rmSync(this.#path('activities', name), { force: true })
  }

  executions(): ExecutionRecord[] {
    const machines = readdirSync(join(this.#folder, 'executions'))
    return machines.flatMap((machine) =>
      readdirSync(join(this.#folder, 'executions', machine))
        .map((name) => join(this.#folder, 'executions', machine, name, 'execution.json'))
        // a folder without it is one whose StartExecution was never answered
        .filter((file) => existsSync(file))
        .map((file) => JSON.parse(readFileSync(file, 'utf8')) as ExecutionRecord),
    )
  }
  createExecution(record: ExecutionRecord, definition: string): void {
    const folder = this.#executionFolder(record)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'definition.json'), definition)
    this.saveExecution(record)
  }
  saveExecution(record: ExecutionRecord): void {
    this.#replace(join(this.#executionFolder(record), 'execution.json'), record)
  }
  definitionOf(record: ExecutionRecord): string {
    return readFileSync(join(this.#executionFolder(record), 'definition.json'), 'utf8')
  }

  addEvent(record: ExecutionRecord, event: HistoryEvent): void {
    appendFileSync(this.#historyFile(record), `${JSON.stringify(event)}\n`)
  }
  /** All events so far. A last line that a dying process left unfinished is cut off for good. */
  history(record: ExecutionRecord): HistoryEvent[] {
    const file = this.#historyFile(record)
    if (!existsSync(file)) return []
    const bytes = readFileSync(file)
    const end = bytes.lastIndexOf('\n') + 1
    if (end < bytes.length) truncateSync(file, end)
    const lines = bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as HistoryEvent)
  }

  #historyFile(record: ExecutionRecord): string {
    return join(this.#executionFolder(record), 'history.jsonl')
  }
  #executionFolder({ machineName, name }: ExecutionRecord): string {
    return join(this.#folder, 'executions', fileName(machineName), fileName(name))
  }
  #path(part: string, name: string): string {
    return join(this.#folder, part, `${fileName(name)}.json`)
  }
  #all<T>(part: string): T[] {
    const files = readdirSync(join(this.#folder, part)).filter((file) => file.endsWith('.json'))
    return files.map((file) => JSON.parse(readFileSync(join(this.#folder, part, file), 'utf8')) as T)
  }
  #replace(file: string, value: unknown): void {
    writeFileSync(`${file}.new`, JSON.stringify(value, undefined, 2))
    renameSync(`${file}.new`, file)
  }
}

/** A name as a file name: AWS allows names like `..`. */
function fileName(name: string): string {
  return encodeURIComponent(name).replaceAll('.', '%2E')
}
