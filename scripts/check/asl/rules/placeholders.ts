import { stringsIn } from '../../json.ts'
import type { Rule } from '../rule.ts'

// What DefinitionSubstitutions replaces; the interpreter in local/ replaces the same. Source: AWS::StepFunctions::StateMachine.
const placeholder = /^\$\{[A-Za-z][A-Za-z0-9_]*\}/

/** Wherever a text may hold a placeholder: its name, or undefined for a `${` that begins none. */
export function placeholdersIn(text: string): (string | undefined)[] {
  return [...text.matchAll(/\$\{/g)].map(({ index }) => placeholder.exec(text.slice(index))?.[0].slice(2, -1))
}

/** `${` begins a CloudFormation placeholder, and nothing else. */
export const placeholders: Rule = {
  name: 'placeholders',
  *check({ definition }) {
    for (const { path, text } of stringsIn(definition)) {
      if (!placeholdersIn(text).includes(undefined)) continue
      const problem = 'CloudFormation takes every ${ for a placeholder, and this one has no name'
      yield { where: '', field: path, problem, remedy: 'write ${Name}, or keep $ and { apart' }
    }
  },
}
