import { isObject, type Json, type JsonObject } from './asl/json.ts'

/** What a service answered, as Step Functions shows it: names in PascalCase, times in milliseconds since 1970. */
export function pascalCase(value: unknown): Json {
  if (value instanceof Date) return value.getTime()
  if (Array.isArray(value)) return value.map(pascalCase)
  if (!isObject(value)) return (value ?? null) as Json
  return renamed(value, (key) => key.charAt(0).toUpperCase() + key.slice(1), pascalCase)
}

/** Arguments as a service's own API names them. */
export function camelCase(value: Json): Json {
  if (Array.isArray(value)) return value.map(camelCase)
  if (!isObject(value)) return value
  return renamed(
    value,
    (key) => key.charAt(0).toLowerCase() + key.slice(1),
    (member) => camelCase(member as Json),
  )
}

function renamed(
  value: Record<string, unknown>,
  rename: (key: string) => string,
  of: (member: unknown) => Json,
): JsonObject {
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(members.map(([key, member]) => [rename(key), of(member)]))
}
