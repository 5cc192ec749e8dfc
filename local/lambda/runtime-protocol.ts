/** What a function's process and its parent say to each other over Node's IPC channel. */

/** How Lambda reports a thrown error. Source: Lambda developer guide, "Node.js function errors". */
export interface FunctionError {
  errorType: string
  errorMessage: string
  trace: string[]
}

export interface Invocation {
  requestId: string
  /** the event, as JSON */
  payload: string
  /** milliseconds since 1970 */
  deadline: number
  functionArn: string
}

export type FromRuntime =
  /** the handler was loaded */
  | { kind: 'ready' }
  | { kind: 'load-failed'; error: FunctionError }
  | { kind: 'returned'; requestId: string; payload: string }
  /** `fatal`: the process ends with it */
  | { kind: 'threw'; requestId: string; error: FunctionError; fatal: boolean }

/**
 * Ends an invocation's output: written to both output streams, because these reach the parent by other ways than the IPC messages do.
 * The parent takes it out.
 */
export function endMarker(requestId: string): string {
  return `\u0001end of ${requestId}`
}
