import { expressionIn, type Template } from './definition.ts'
import { evaluate, type StatesVariable } from './expression.ts'
import type { Json, JsonObject } from './json.ts'

/**
 * The value of a template: every string that is as a whole `{% … %}` is replaced by the value of its expression, at any depth; everything else
 * stays as it is, also strings that merely contain the delimiters.
 * @param field where the template stands, for messages
 * @throws StateError States.QueryEvaluationError
 */
export async function fill(
  template: Template,
  field: string,
  states: StatesVariable,
  variables: JsonObject,
): Promise<Json> {
  if (typeof template === 'string') {
    const expression = expressionIn(template)
    return expression === undefined ? template : evaluate(expression, field, states, variables)
  }
  if (Array.isArray(template)) {
    const filled: Json[] = []
    for (const [index, element] of template.entries())
      filled.push(await fill(element, `${field}[${index}]`, states, variables))
    return filled
  }
  if (template === null || typeof template !== 'object') return template
  const filled: JsonObject = {}
  for (const [key, member] of Object.entries(template))
    filled[key] = await fill(member, `${field}.${key}`, states, variables)
  return filled
}
