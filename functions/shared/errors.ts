/**
 * The base of every error that Hearth itself raises. `name` is what Step Functions matches on (a Lambda error's name is the ASL error), the
 * message says what is wrong, where, and what to do. Whether trying again can help is a property of the error, decided where it is known.
 */
export class HearthError extends Error {
  override name = 'HearthError'
  /** True when the same work may succeed later without anybody changing anything. */
  retryable = false
}

/** Name and message of whatever was thrown, for records and reports; never its stack. */
export function describeError(thrown: unknown): { name: string; message: string } {
  if (thrown instanceof Error) return { name: thrown.name, message: thrown.message }
  return { name: 'Error', message: String(thrown) }
}
