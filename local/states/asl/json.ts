/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [key: string]: Json }

/** True for a JSON object: neither an array nor null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** 256 KiB of UTF-8: the most that an input, an output, a task's result or one Assign may have. Source: Step Functions quotas. */
export const PAYLOAD_LIMIT = 262_144

/** Bytes that a value has as UTF-8 encoded JSON text, which is what Step Functions counts. */
export function sizeOf(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value))
}

/**
 * Reads JSON text.
 * @throws SyntaxError when it is no JSON
 */
export function parseJson(text: string): Json {
  const value: unknown = JSON.parse(text)
  // JSON.parse without a reviver makes nothing but JSON values
  return value as Json
}
