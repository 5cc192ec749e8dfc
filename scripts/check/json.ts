/** A value as `JSON.parse` gives it. */
export type Json = null | boolean | number | string | Json[] | JsonObject
export interface JsonObject {
  [key: string]: Json
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value as an object, or an empty one: whether it had to be an object is another rule's matter. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}

/** The objects of a list, with their indices; nothing when the value is no list. */
export function objectsOf(value: unknown): { index: number; object: JsonObject }[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((object: unknown, index) => (isObject(object) ? [{ index, object }] : []))
}

/** A string property, or undefined when it is absent or something else. */
export function stringAt(object: JsonObject, key: string): string | undefined {
  const value = object[key]
  return typeof value === 'string' ? value : undefined
}

/** The path of `key` below `path`: `Retry[0].JitterStrategy`. */
export function below(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`
  return path === '' ? key : `${path}.${key}`
}

/** Every string in a value, keys included, with its path. */
export function* stringsIn(
  value: Json,
  path = '',
): Generator<{ path: string; text: string; isKey: boolean }> {
  if (typeof value === 'string') yield { path, text: value, isKey: false }
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* stringsIn(item, below(path, index))
  } else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      yield { path: below(path, key), text: key, isKey: true }
      yield* stringsIn(item, below(path, key))
    }
  }
}
