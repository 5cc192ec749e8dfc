import type { FailState, Template } from './definition.ts'
import { StateError } from './errors.ts'
import type { Json } from './json.ts'
import type { Visit } from './visit.ts'

const isText = (value: Json): value is string => typeof value === 'string'

/** Fail: ends its block with an error. @throws StateError always: its Error (empty when there is none) and Cause */
export async function runFail(visit: Visit<FailState>): Promise<never> {
  const text = async (field: string, template: Template | undefined): Promise<string | undefined> =>
    template === undefined ? undefined : visit.evaluateAs(field, template, isText, 'a string')
  const error = await text('Error', visit.state.Error)
  throw new StateError(error ?? '', await text('Cause', visit.state.Cause))
}
