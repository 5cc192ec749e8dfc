import type { Leaving, State, Template } from './definition.ts'
import { StateError } from './errors.ts'
import type { StatesVariable } from './expression.ts'
import { PAYLOAD_LIMIT, sizeOf, type Json, type JsonObject } from './json.ts'
import type { Completion, Frame } from './run.ts'
import { fill } from './template.ts'

/** What an expression may see besides the state's input. */
export interface Seen {
  result?: Json
  errorOutput?: Json
  taskToken?: string
  item?: { Index: number; Value: Json }
}

/** One visit of one state: its name, its input, and the evaluation of its fields. */
export class Visit<S extends State = State> {
  readonly name: string
  readonly state: S
  readonly input: Json
  readonly frame: Frame
  readonly entered: Date
  retryCount = 0
  constructor(name: string, state: S, input: Json, frame: Frame, entered: Date) {
    this.name = name
    this.state = state
    this.input = input
    this.frame = frame
    this.entered = entered
  }

  /**
   * The value of one of the state's fields.
   * @throws StateError States.QueryEvaluationError, after recording it as EvaluationFailed
   */
  async evaluate(field: string, template: Template, seen: Seen = {}): Promise<Json> {
    try {
      return await fill(template, field, this.#states(seen), this.frame.variables.all())
    } catch (error) {
      if (error instanceof StateError)
        this.frame.thread.record('EvaluationFailed', {
          evaluationFailedEventDetails: { ...error.details(), location: field, state: this.name },
        })
      throw error
    }
  }

  /** The value of a field that must be of one kind. @throws StateError States.QueryEvaluationError when it is of another */
  async evaluateAs<T extends Json>(
    field: string,
    template: Template,
    is: (value: Json) => value is T,
    expected: string,
  ): Promise<T> {
    const value = await this.evaluate(field, template)
    if (is(value)) return value
    const found = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
    const error = new StateError(
      'States.QueryEvaluationError',
      `The field '${field}' has an unexpected value: expected ${expected}, but was ${found}${typeof value === 'number' ? ` ${value}` : ''}.`,
    )
    this.frame.thread.record('EvaluationFailed', {
      evaluationFailedEventDetails: { ...error.details(), location: field, state: this.name },
    })
    throw error
  }

  /** A field that is a whole number within bounds; undefined when the state has no such field. */
  async wholeNumber(
    field: string,
    template: Template | undefined,
    least: number,
    most: number,
  ): Promise<number | undefined> {
    if (template === undefined) return undefined
    const is = (value: Json): value is number =>
      typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
    return this.evaluateAs(field, template, is, `a whole number from ${least} to ${most}`)
  }

  /**
   * What the state, or one of its rules or catchers, leaves behind: Output or else `fallback`, and the variables of Assign, both evaluated with the
   * variables as they were before.
   * @param at where the fields are, `Catch[0].` for instance
   * @throws StateError States.QueryEvaluationError; States.DataLimitExceeded for an output above 256 KiB
   */
  async leave(
    fields: Leaving,
    next: string | undefined,
    fallback: Json,
    seen: Seen = {},
    at = '',
  ): Promise<Completion> {
    const output =
      fields.Output === undefined ? fallback : await this.evaluate(`${at}Output`, fields.Output, seen)
    const assigned: JsonObject = {}
    for (const [variable, template] of Object.entries(fields.Assign ?? {}))
      assigned[variable] = await this.evaluate(`${at}Assign.${variable}`, template, seen)
    this.refuseBig(output)
    return { output, assigned, next }
  }

  refuseBig(value: Json, of = this.name): void {
    if (sizeOf(value) > PAYLOAD_LIMIT)
      throw new StateError(
        'States.DataLimitExceeded',
        `The state/task '${of}' returned a result with a size exceeding the maximum number of bytes service limit.`,
      )
  }

  #states(seen: Seen): StatesVariable {
    const { run, item } = this.frame
    const mapItem = seen.item ?? item
    const State: JsonObject = { EnteredTime: this.entered.toISOString(), Name: this.name }
    if ('Retry' in this.state || this.state.Type === 'Task') State['RetryCount'] = this.retryCount
    const context: JsonObject = { ...run.context, State }
    if (mapItem) context['Map'] = { Item: { Index: mapItem.Index, Value: mapItem.Value } }
    if (seen.taskToken !== undefined) context['Task'] = { Token: seen.taskToken }
    const states: StatesVariable = { input: this.input, context }
    if (seen.result !== undefined) states.result = seen.result
    if (seen.errorOutput !== undefined) states.errorOutput = seen.errorOutput
    return states
  }
}
