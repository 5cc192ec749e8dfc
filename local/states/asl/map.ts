import type { MapState } from './definition.ts'
import { SiblingFailed, StateError } from './errors.ts'
import type { Json } from './json.ts'
import { recovering } from './recovery.ts'
import type { Completion, RunBlock } from './run.ts'
import { sideBySide } from './siblings.ts'
import type { Visit } from './visit.ts'

// An INLINE map runs at most 40 iterations at once, also when MaxConcurrency is 0 (no limit). Source: Step Functions quotas.
const MOST_AT_ONCE = 40

const isList = (value: Json): value is Json[] => Array.isArray(value)

/**
 * Map: runs its ItemProcessor once for every item; its result is the list of their outputs. Items are the state's input, or Items, and must be a list:
 * an expression that finds one thing gives that thing and no list. An iteration's input is its item, or ItemSelector.
 */
export function runMap(visit: Visit<MapState>, runBlock: RunBlock): Promise<Completion> {
  return recovering(visit, async () => {
    const { state, frame } = visit
    const items = await visit.evaluateAs('Items', state.Items ?? '{% $states.input %}', isList, 'an array')
    const atOnce = (await visit.wholeNumber('MaxConcurrency', state.MaxConcurrency, 0, 99_999_999)) ?? 0
    const tolerance = await Tolerance.of(visit, items.length)
    frame.thread.record('MapStateStarted', { mapStateStartedEventDetails: { length: items.length } })
    const jobs = items.map(
      (item, index) => (signal: AbortSignal) => iterate(visit, runBlock, tolerance, item, index, signal),
    )
    let result: Json[]
    try {
      result = await sideBySide(
        jobs,
        Math.min(atOnce === 0 ? MOST_AT_ONCE : atOnce, MOST_AT_ONCE),
        frame.signal,
      )
    } catch (error) {
      if (error instanceof StateError) frame.thread.record('MapStateFailed')
      throw error
    }
    frame.thread.record('MapStateSucceeded')
    visit.refuseBig(result)
    return visit.leave(state, state.Next, result, { result })
  })
}

async function iterate(
  visit: Visit<MapState>,
  runBlock: RunBlock,
  tolerance: Tolerance,
  value: Json,
  index: number,
  signal: AbortSignal,
): Promise<Json> {
  const { state, frame, name } = visit
  const thread = frame.thread.fork()
  const details = { name, index }
  const item = { Index: index, Value: value }
  thread.record('MapIterationStarted', { mapIterationStartedEventDetails: details })
  try {
    const input =
      state.ItemSelector === undefined
        ? value
        : await visit.evaluate('ItemSelector', state.ItemSelector, { item })
    const inner = { ...frame, thread, signal, item, variables: frame.variables.inner() }
    const output = await runBlock(state.ItemProcessor, input, inner)
    thread.record('MapIterationSucceeded', { mapIterationSucceededEventDetails: details })
    frame.thread.previous = thread.previous
    return output
  } catch (error) {
    if (!(error instanceof StateError)) {
      if (error instanceof SiblingFailed)
        thread.record('MapIterationAborted', { mapIterationAbortedEventDetails: details })
      throw error
    }
    thread.record('MapIterationFailed', { mapIterationFailedEventDetails: details })
    frame.thread.previous = thread.previous
    tolerance.count(error)
    return null
  }
}

/** How many iterations may fail. A failed iteration's output is null. */
class Tolerance {
  readonly #most: number | undefined
  #failed = 0
  constructor(most: number | undefined) {
    this.#most = most
  }

  static async of(visit: Visit<MapState>, items: number): Promise<Tolerance> {
    const { ToleratedFailureCount, ToleratedFailurePercentage } = visit.state
    const count = await visit.wholeNumber('ToleratedFailureCount', ToleratedFailureCount, 0, 99_999_999)
    const percentage = await visit.wholeNumber(
      'ToleratedFailurePercentage',
      ToleratedFailurePercentage,
      0,
      100,
    )
    if (count === undefined && percentage === undefined) return new Tolerance(undefined)
    return new Tolerance(
      Math.min(count ?? Infinity, percentage === undefined ? Infinity : (items * percentage) / 100),
    )
  }

  /** @throws the error itself when nothing is tolerated; StateError States.ExceedToleratedFailureThreshold when it is one too many */
  count(error: StateError): void {
    if (this.#most === undefined) throw error
    this.#failed += 1
    if (this.#failed > this.#most)
      throw new StateError(
        'States.ExceedToleratedFailureThreshold',
        `The tolerated failure threshold was exceeded: ${this.#failed} iterations failed, the last with ${error.message}`,
      )
  }
}
