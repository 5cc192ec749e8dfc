import { type Answer, refusal } from './answers.ts'

/** A request that changes something, sooner after the one before it than GitHub wants it. */
export interface TooFast {
  repository: string
  method: string
  path: string
  /** milliseconds since the one before it */
  after: number
}

// Source: GitHub REST API, "Best practices for using the REST API": wait at least one second between requests that change something.
const APART_MS = 1000

export interface Pace {
  readonly tooFast: readonly TooFast[]
  /** Notes a request; undefined for one that only reads, or that came late enough. */
  note(method: string, path: string, now: number): TooFast | undefined
}

export function createPace(): Pace {
  const last = new Map<string, number>()
  const tooFast: TooFast[] = []
  return {
    tooFast,
    note(method, path, now) {
      const repository = /^\/repos\/([^/]+\/[^/]+)\//.exec(path)?.[1]
      if (repository === undefined || !['POST', 'PATCH', 'PUT', 'DELETE'].includes(method)) return undefined
      const after = now - (last.get(repository) ?? -Infinity)
      last.set(repository, now)
      if (after >= APART_MS) return undefined
      const noted = { repository, method, path, after }
      tooFast.push(noted)
      return noted
    },
  }
}

export const SECONDARY_LIMIT: Answer = {
  ...refusal(
    403,
    'You have exceeded a secondary rate limit and have been temporarily blocked from content creation. Please retry your request again later.',
  ),
  headers: { 'retry-after': '1' },
}
