import type { ChoiceState } from './definition.ts'
import { StateError } from './errors.ts'
import type { Json } from './json.ts'
import type { Completion } from './run.ts'
import type { Visit } from './visit.ts'

const isBoolean = (value: Json): value is boolean => typeof value === 'boolean'

/**
 * Choice: goes where the first rule says whose Condition is true, with that rule's Output and Assign; else to Default, with the state's own.
 * @throws StateError States.NoChoiceMatched when there is neither
 */
export async function runChoice(visit: Visit<ChoiceState>): Promise<Completion> {
  const { state, input, name } = visit
  for (const [index, rule] of state.Choices.entries()) {
    const at = `Choices[${index}].`
    if (await visit.evaluateAs(`${at}Condition`, rule.Condition, isBoolean, 'a boolean'))
      return visit.leave(rule, rule.Next, input, {}, at)
  }
  if (state.Default === undefined)
    throw new StateError(
      'States.NoChoiceMatched',
      `The choice state '${name}' failed to match any condition and has no Default.`,
    )
  return visit.leave(state, state.Default, input)
}
