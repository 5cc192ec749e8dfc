/** What the REST API answers. */
export interface Answer {
  status: number
  /** JSON, or text when it is a string; nothing at all when it is undefined */
  body?: unknown
  headers?: Record<string, string>
}

/** GitHub's words in GitHub's form. */
export function refusal(status: number, message: string, errors?: unknown[]): Answer {
  return {
    status,
    body: {
      message,
      ...(errors === undefined ? {} : { errors }),
      documentation_url: 'https://docs.github.com/rest',
      status: String(status),
    },
  }
}

export const NOT_FOUND = refusal(404, 'Not Found')
export const BAD_CREDENTIALS = refusal(401, 'Bad credentials')
export const REQUIRES_AUTHENTICATION = refusal(401, 'Requires authentication')
export const UNPARSABLE = refusal(400, 'Problems parsing JSON')

export function ok(body: unknown): Answer {
  return { status: 200, body }
}

export function created(body: unknown): Answer {
  return { status: 201, body }
}

/** @param field that is wrong, of `resource`: `Status`, `CheckRun` */
export function invalidField(resource: string, field: string, message: string): Answer {
  return refusal(422, 'Validation Failed', [{ resource, code: 'custom', field, message }])
}

export function noCommit(sha: string): Answer {
  return refusal(422, `No commit found for SHA: ${sha}`)
}
