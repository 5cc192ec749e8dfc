import type { Fault } from '../../finding.ts'
import { expressionsOf, isMisplaced, textsOf, type Expression } from '../expressions.ts'
import { NotJsonata, referencesOf, refused, type References } from '../jsonata.ts'
import type { PlacedState } from '../machine.ts'
import { eachState, fault } from '../rule.ts'

/** Expressions are whole texts, compile with JSONata 2.0.6, look at `$states` and variables alone, and give the same result every time. */
export const expressions = eachState('expressions', function* (placed) {
  for (const text of textsOf(placed)) {
    if (isMisplaced(text)) {
      const problem = text.isEvaluated
        ? 'an expression is the whole text, from {% to %} without a space around it'
        : 'expressions are not evaluated here'
      yield fault(placed, text.field, problem, 'move what has to be computed into an expression of its own')
    } else if (text.isEvaluated && /^(\$\$?\.|States\.[A-Z]\w*\()/.test(text.text)) {
      yield fault(
        placed,
        text.field,
        'this is JSONPath, and a JSONata machine takes it for a mere text',
        'write {% … %}',
      )
    }
  }
  for (const { index, condition } of conditionsOf(placed)) {
    if (typeof condition === 'string' && condition.startsWith('{%')) continue
    if (typeof condition === 'boolean') continue
    yield fault(placed, `Choices[${index}].Condition`, 'a condition is an expression', 'write {% … %}')
  }
  for (const expression of expressionsOf(placed)) yield* checkExpression(placed, expression)
})

function conditionsOf({ type, state }: PlacedState): { index: number; condition: unknown }[] {
  const { Choices: choices } = state
  if (type !== 'Choice' || !Array.isArray(choices)) return []
  return choices.flatMap((choice: unknown, index) =>
    typeof choice === 'object' && choice !== null && 'Condition' in choice
      ? [{ index, condition: choice.Condition }]
      : [],
  )
}

function* checkExpression(placed: PlacedState, { field, source, states }: Expression): Generator<Fault> {
  let references: References
  try {
    references = referencesOf(source)
  } catch (thrown) {
    if (!(thrown instanceof NotJsonata)) throw thrown
    yield fault(placed, field, `JSONata 2.0.6 does not compile this: ${thrown.message}`, '')
    return
  }
  for (const name of references.variables) {
    const reason = refused[name]
    if (reason === undefined) continue
    yield fault(
      placed,
      field,
      `$${name}() is refused: ${reason}`,
      'take the value from the input or from a state',
    )
  }
  for (const name of references.context) {
    yield fault(
      placed,
      field,
      `${name} alone is not what a reader takes it for`,
      'name it: $states.input, or function($item) { … }',
    )
  }
  for (const name of references.contextless) {
    yield fault(
      placed,
      field,
      `'${name}' is looked up nowhere and gives nothing`,
      'begin with $states.input or a variable',
    )
  }
  for (const name of references.states) {
    if (states.includes(name)) continue
    const here = states.map((known) => `$states.${known}`).join(', ')
    yield fault(placed, field, `there is no $states.${name} here`, `here are ${here}`)
  }
}
