import type { Fault, Finding } from '../finding.ts'
import { isObject, type JsonObject } from '../json.ts'
import { readMachine } from './machine.ts'
import { expressions } from './rules/expressions.ts'
import { caughtInMap, errorNames, everyPathReports, jitter, throttling } from './rules/failures.ts'
import { fields } from './rules/fields.ts'
import { maps } from './rules/maps.ts'
import { placeholders } from './rules/placeholders.ts'
import { resources, timeouts } from './rules/tasks.ts'
import { variables } from './rules/variables.ts'
import { amazonsFindings, aslValidatorsFindings } from './validators.ts'

const rules = [
  fields,
  resources,
  timeouts,
  errorNames,
  jitter,
  throttling,
  caughtInMap,
  everyPathReports,
  maps,
  placeholders,
  expressions,
  variables,
]

/**
 * Everything that is wrong with a state machine: by our own rules, by Amazon's language service, and by asl-validator. The two are vaguer
 * than our rules and say the same thing again, so each is heard only about states of which nobody before it had anything to say.
 *
 * @param file the name to show
 * @param text the file's contents
 */
export async function checkMachine(file: string, text: string): Promise<Finding[]> {
  const definition = parse(text)
  if (typeof definition === 'string') {
    return [{ file, where: '', field: '', rule: 'json', problem: definition, remedy: '' }]
  }
  const machine = readMachine(definition)
  const found: Finding[] = rules.flatMap((rule) =>
    [...rule.check(machine)].map((fault) => ({ file, rule: rule.name, ...fault })),
  )
  const add = (rule: string, faults: Fault[]): void => {
    const spokenOf = new Set(found.map(({ where }) => where))
    found.push(
      ...faults.filter(({ where }) => !spokenOf.has(where)).map((fault) => ({ file, rule, ...fault })),
    )
  }
  add('amazon-states-language-service', await amazonsFindings(text))
  // It does not say of which state it speaks when a graph is broken: then it would only repeat what the others found.
  if (found.length === 0) add('asl-validator', aslValidatorsFindings(definition))
  return found
}

function parse(text: string): JsonObject | string {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : 'the file holds no JSON object'
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return `this is no JSON: ${thrown.message}`
    throw thrown
  }
}
