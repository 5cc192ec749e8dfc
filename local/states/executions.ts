import { parseDefinition } from './asl/validate.ts'
import { executionArn } from './arns.ts'
import type { Clock } from './clock.ts'
import { Execution, type ExecutionWorld } from './execution.ts'
import type { HistoryEvent } from './history.ts'
import type { Integrations } from './integration.ts'
import type { Activities } from './activities.ts'
import type { TaskTokens } from './task-tokens.ts'
import type { ExecutionRecord, MachineRecord, Store } from './store.ts'

export interface ExecutionsWorld {
  store: Store
  clock: Clock
  random: () => number
  activities: Activities
  tokens: TaskTokens
  integrations: (roleArn: string) => Integrations
  onEvent: (executionArn: string, event: HistoryEvent) => void
  onStatus: (record: ExecutionRecord) => void
}

/** All executions, running or not. */
export class Executions {
  readonly #records = new Map<string, ExecutionRecord>()
  readonly #running = new Map<string, Execution>()
  readonly #leaving = new Set<Promise<void>>()
  readonly #world: ExecutionsWorld
  #isClosing = false

  constructor(world: ExecutionsWorld) {
    this.#world = world
    const known = world.store.executions().sort((a, b) => a.startDate - b.startDate)
    for (const record of known) this.#records.set(record.arn, record)
  }

  get(arn: string): ExecutionRecord | undefined {
    return this.#records.get(arn)
  }

  /** Those of one state machine, the newest first. */
  of(machineArn: string): ExecutionRecord[] {
    return [...this.#records.values()].filter((record) => record.machineArn === machineArn).toReversed()
  }

  history(record: ExecutionRecord): HistoryEvent[] {
    return this.#world.store.history(record)
  }

  definitionOf(record: ExecutionRecord): string {
    return this.#world.store.definitionOf(record)
  }

  /** Begins an execution; one that is asked for while the stack goes down begins when it comes up again. */
  start(machine: MachineRecord, name: string, input: string): ExecutionRecord {
    const record: ExecutionRecord = {
      name,
      arn: executionArn(machine.name, name),
      input,
      status: 'RUNNING',
      redriveCount: 0,
      machineName: machine.name,
      machineArn: machine.arn,
      machineUpdateDate: machine.updateDate,
      roleArn: machine.roleArn,
      startDate: this.#world.clock.now().getTime(),
      ...(machine.revisionId === undefined ? {} : { revisionId: machine.revisionId }),
    }
    this.#world.store.createExecution(record, machine.definition)
    this.#records.set(record.arn, record)
    if (this.#isClosing) return record
    const execution = new Execution(record, parseDefinition(machine.definition), this.#worldOf(record))
    this.#running.set(record.arn, execution)
    execution.start()
    return record
  }

  stop(arn: string, error: string | undefined, cause: string | undefined): void {
    this.#running.get(arn)?.stop(error, cause)
  }

  /** Takes up every execution that was running when the stack went down. @returns their records */
  resume(): ExecutionRecord[] {
    const interrupted = [...this.#records.values()].filter(
      ({ status, arn }) => status === 'RUNNING' && !this.#running.has(arn),
    )
    for (const record of interrupted) this.#takeUp(record)
    return interrupted
  }

  #takeUp(record: ExecutionRecord): void {
    const { store } = this.#world
    const events = store.history(record)
    const last = events.at(-1)
    const ending = last && endingOf(last)
    // the process died between the last event and the record
    if (last && ending) {
      store.saveExecution(Object.assign(record, ending, { stopDate: last.timestamp * 1000 }))
      return this.#world.onStatus(record)
    }
    const execution = new Execution(
      record,
      parseDefinition(store.definitionOf(record)),
      this.#worldOf(record),
      events.length,
    )
    this.#running.set(record.arn, execution)
    if (events.length === 0) execution.start()
    else execution.resume()
  }

  /** Suspends what runs; resolves when no timer and no integration is left. */
  async close(): Promise<void> {
    this.#isClosing = true
    await Promise.all([...this.#running.values()].map((execution) => execution.suspend()))
    await Promise.all(this.#leaving)
  }

  #worldOf(record: ExecutionRecord): ExecutionWorld {
    const { store, clock, random, activities, tokens } = this.#world
    return {
      store,
      clock,
      random,
      activities,
      tokens,
      integrations: this.#world.integrations(record.roleArn),
      onEvent: (event) => this.#world.onEvent(record.arn, event),
      onStatus: (changed) => {
        if (changed.status !== 'RUNNING') this.#leave(changed.arn)
        this.#world.onStatus(changed)
      },
    }
  }

  #leave(arn: string): void {
    const execution = this.#running.get(arn)
    this.#running.delete(arn)
    if (!execution) return
    const left = execution.settled().finally(() => this.#leaving.delete(left))
    this.#leaving.add(left)
  }
}

/** What an execution's last event says of it; undefined when it is not the last. */
function endingOf(
  event: HistoryEvent,
): Pick<ExecutionRecord, 'status' | 'output' | 'error' | 'cause'> | undefined {
  switch (event.type) {
    case 'ExecutionSucceeded':
      return { status: 'SUCCEEDED', ...present(event.executionSucceededEventDetails, ['output']) }
    case 'ExecutionFailed':
      return { status: 'FAILED', ...present(event.executionFailedEventDetails, ['error', 'cause']) }
    case 'ExecutionTimedOut':
      return { status: 'TIMED_OUT', ...present(event.executionTimedOutEventDetails, ['error', 'cause']) }
    case 'ExecutionAborted':
      return { status: 'ABORTED', ...present(event.executionAbortedEventDetails, ['error', 'cause']) }
    default:
      return undefined
  }
}

function present<K extends string>(
  details: Partial<Record<K, unknown>> | undefined,
  keys: readonly K[],
): Partial<Record<K, string>> {
  const entries = keys
    .map((key) => [key, details?.[key]] as const)
    .filter(([, value]) => typeof value === 'string')
  return Object.fromEntries(entries) as Partial<Record<K, string>>
}
