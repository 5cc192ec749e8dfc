import { ARGUMENTS } from './asl/validate-arguments.ts'
import { StateError } from './asl/errors.ts'
import { isObject, type Json, type JsonObject } from './asl/json.ts'

/**
 * The Arguments of a call, whose names could not be checked before they had a value.
 * @throws StateError States.Runtime naming what is unknown or missing
 */
export function argumentsOf(resource: string, args: Json): JsonObject {
  const names = ARGUMENTS[resource]
  if (!names || !isObject(args))
    throw new StateError('States.Runtime', `${resource}: Arguments must be an object`)
  for (const name of Object.keys(args))
    if (!names.known.includes(name))
      throw new StateError(
        'States.Runtime',
        `${resource}: The field "${name}" is not supported by Step Functions`,
      )
  for (const name of names.required)
    if (!(name in args))
      throw new StateError('States.Runtime', `${resource}: The field "${name}" is required but was missing`)
  return args
}
