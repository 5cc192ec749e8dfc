import { isObject, objectOf, type Json, type JsonObject } from '../../json.ts'
import type { Rule } from '../rule.ts'
import { intrinsicOf, readTemplate, referencesIn, type Template } from '../template.ts'

/** A deployment in which a condition does not hold lacks nothing that it refers to. CloudFormation refuses it as a whole otherwise, and only then. */
export const conditions: Rule = {
  name: 'conditions',
  *check(template) {
    for (const condition of Object.keys(objectOf(template.body['Conditions']))) {
      const { absent, left } = withoutIt(template, condition)
      for (const [where, value] of Object.entries(left))
        for (const { path, to } of referencesIn(value))
          if (absent.has(to)) {
            const problem = `there is no resource ${to} where ${condition} does not hold`
            yield { where, field: path, problem, remedy: `put it into Fn::If with ${condition}` }
          }
    }
  },
}

/** What is left of resources and outputs where a condition does not hold, by name, and which resources are not there. */
function withoutIt(template: Template, condition: string): { absent: Set<string>; left: JsonObject } {
  const body = objectOf(whenFalse(template.body, condition))
  const absent = new Set<string>()
  const left: JsonObject = {}
  for (const [id, resource] of readTemplate(body).resources)
    if (resource.body['Condition'] === condition) absent.add(id)
    else left[id] = resource.properties
  for (const [name, output] of Object.entries(objectOf(body['Outputs'])))
    if (objectOf(output)['Condition'] !== condition) left[`Outputs.${name}`] = output
  return { absent, left }
}

function whenFalse(value: Json, condition: string): Json {
  if (Array.isArray(value)) return value.map((item) => whenFalse(item, condition))
  if (!isObject(value)) return value
  const { name, argument } = intrinsicOf(value) ?? {}
  if (name === 'Fn::If' && Array.isArray(argument) && argument[0] === condition)
    return whenFalse(argument[2] ?? null, condition)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, whenFalse(item, condition)]))
}
