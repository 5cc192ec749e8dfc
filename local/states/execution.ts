import type { Definition } from './asl/definition.ts'
import { StateError } from './asl/errors.ts'
import { parseJson, type JsonObject } from './asl/json.ts'
import type { Frame, Run } from './asl/run.ts'
import { runBlock, type Place } from './asl/states.ts'
import { Variables } from './asl/variables.ts'
import { History, Thread, WHOLE, type EventDetails, type HistoryEvent } from './history.ts'
import type { ExecutionRecord, ExecutionStatus, Store } from './store.ts'
import { Suspended } from './suspended.ts'

/** StopExecution was called. */
class ExecutionStopped extends Error {
  override name = 'ExecutionStopped'
}
/** The state machine's TimeoutSeconds have passed. */
class DeadlinePassed extends Error {
  override name = 'DeadlinePassed'
}

export interface ExecutionWorld extends Omit<Run, 'context' | 'begun' | 'resumed'> {
  store: Store
  onEvent: (event: HistoryEvent) => void
  onStatus: (record: ExecutionRecord) => void
}

/**
 * One running execution. Before each top-level state it writes a checkpoint: the state's name, its input and the variables. After a restart it goes
 * on from the last one, entering that state again: everything inside the state (an iteration, a retry, a build that was going on) begins anew, which
 * is sound because Hearth's states may be repeated. The history keeps what happened before; an ExecutionRedriven event marks the seam.
 */
export class Execution {
  readonly record: ExecutionRecord
  readonly #definition: Definition
  readonly #world: ExecutionWorld
  readonly #history: History
  readonly #control = new AbortController()
  readonly #begun = new Set<Promise<unknown>>()
  #done: Promise<void> = Promise.resolve()

  /** @param events how many events its history has already */
  constructor(record: ExecutionRecord, definition: Definition, world: ExecutionWorld, events = 0) {
    this.record = record
    this.#definition = definition
    this.#world = world
    const keep = (event: HistoryEvent): void => {
      world.store.addEvent(record, event)
      world.onEvent(event)
    }
    this.#history = new History(world.clock, keep, events)
  }

  start(): void {
    this.#history.add('ExecutionStarted', 0, {
      executionStartedEventDetails: {
        input: this.record.input,
        inputDetails: WHOLE,
        roleArn: this.record.roleArn,
      },
    })
    this.#world.onStatus(this.record)
    this.#done = this.#drive()
  }

  /** Goes on after a restart. */
  resume(): void {
    this.record.redriveCount += 1
    this.record.redriveDate = this.#world.clock.now().getTime()
    this.#world.store.saveExecution(this.record)
    this.#history.add('ExecutionRedriven', this.record.checkpoint?.previousEventId ?? 0, {
      executionRedrivenEventDetails: { redriveCount: this.record.redriveCount },
    })
    this.#done = this.#drive()
  }

  /** StopExecution: nothing more happens in it, and what it had begun is told to stop. */
  stop(error: string | undefined, cause: string | undefined): void {
    if (this.record.status !== 'RUNNING') return
    const details = { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) }
    this.#control.abort(new ExecutionStopped())
    this.#history.add('ExecutionAborted', 0, { executionAbortedEventDetails: details })
    this.#end('ABORTED', details)
  }

  /** Halts it where it is, to be resumed; resolves when nothing of it is left running. */
  async suspend(): Promise<void> {
    this.#control.abort(new Suspended())
    await this.settled()
  }

  /** Resolves when it has ended and the work that it began has too. */
  async settled(): Promise<void> {
    await this.#done
    await Promise.allSettled(this.#begun)
  }

  async #drive(): Promise<void> {
    this.#armDeadline()
    const thread = new Thread(this.#add, this.record.checkpoint?.previousEventId ?? 0)
    try {
      const output = await this.#run(thread)
      const text = JSON.stringify(output)
      this.#add('ExecutionSucceeded', thread.previous, {
        executionSucceededEventDetails: { output: text, outputDetails: WHOLE },
      })
      this.#end('SUCCEEDED', { output: text })
    } catch (error) {
      this.#fail(error, thread.previous)
    }
  }

  readonly #add: History['add'] = (type, previous, details: EventDetails) => {
    // what an execution that is over still does on its way out leaves no trace
    this.#control.signal.throwIfAborted()
    return this.#history.add(type, previous, details)
  }

  async #run(thread: Thread): ReturnType<typeof runBlock> {
    const { checkpoint } = this.record
    const variables = new Variables(checkpoint?.variables)
    const frame: Frame = { run: this.#shared(), thread, variables, signal: this.#control.signal }
    const arrive = ({ state, input, entered }: Place): void => {
      this.record.checkpoint = {
        state,
        input,
        entered: entered.getTime(),
        variables: variables.own(),
        previousEventId: thread.previous,
      }
      this.#world.store.saveExecution(this.record)
    }
    const from = checkpoint && {
      state: checkpoint.state,
      input: checkpoint.input,
      entered: new Date(checkpoint.entered),
    }
    return runBlock(this.#definition, parseJson(this.record.input), frame, {
      arrive,
      ...(from ? { from } : {}),
    })
  }

  #shared(): Run {
    const { clock, random, integrations, activities, tokens } = this.#world
    const { arn, name, input, roleArn, startDate, machineArn, machineName, redriveCount, redriveDate } =
      this.record
    const context: JsonObject = {
      Execution: {
        Id: arn,
        Input: parseJson(input),
        Name: name,
        RoleArn: roleArn,
        StartTime: new Date(startDate).toISOString(),
        RedriveCount: redriveCount,
      },
      StateMachine: { Id: machineArn, Name: machineName },
    }
    const resumed = redriveDate === undefined ? {} : { resumed: redriveDate }
    return { clock, random, integrations, activities, tokens, context, ...resumed, begun: this.#begun }
  }

  #armDeadline(): void {
    const { TimeoutSeconds } = this.#definition
    if (TimeoutSeconds === undefined) return
    const { clock } = this.#world
    const left = this.record.startDate + TimeoutSeconds * 1000 - clock.now().getTime()
    clock.sleep(Math.max(0, left), this.#control.signal).then(
      () => this.#control.abort(new DeadlinePassed()),
      (error: unknown) => {
        if (!this.#control.signal.aborted) this.#control.abort(error)
      },
    )
  }

  #fail(error: unknown, previous: number): void {
    const { signal } = this.#control
    const reason: unknown = signal.aborted ? signal.reason : error
    if (reason instanceof Suspended || reason instanceof ExecutionStopped) return
    if (reason instanceof DeadlinePassed) {
      this.#history.add('ExecutionTimedOut', 0, {
        executionTimedOutEventDetails: { error: 'States.Timeout' },
      })
      return this.#end('TIMED_OUT', { error: 'States.Timeout' })
    }
    const failure = reason instanceof StateError ? reason : new StateError('States.Runtime', String(reason))
    this.#history.add('ExecutionFailed', previous, { executionFailedEventDetails: failure.details() })
    this.#end('FAILED', failure.details())
  }

  #end(status: ExecutionStatus, result: { output?: string; error?: string; cause?: string }): void {
    Object.assign(this.record, result, { status, stopDate: this.#world.clock.now().getTime() })
    delete this.record.checkpoint
    this.#world.store.saveExecution(this.record)
    this.#control.abort(new ExecutionStopped())
    this.#world.onStatus(this.record)
  }
}
