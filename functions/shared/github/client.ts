import { request as octokit } from '@octokit/request'
import type { EndpointDefaults } from '@octokit/types'
import { HearthError } from '../errors.ts'

export class GitHubUnavailable extends HearthError {
  override name = 'GitHubUnavailable'
  override retryable = true
}

export class GitHubRefused extends HearthError {
  override name = 'GitHubRefused'
  /** HTTP's */
  readonly status: number
  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

/** `@octokit/request` for one GitHub and one token: `client('GET /repos/{owner}/{repo}', { owner, repo })`. */
export type GitHubClient = typeof octokit

interface ClientOptions {
  /** base URL of the REST API */
  api: string
  /** nobody's when absent: what is public can be read so, 60 times an hour */
  token?: string | undefined
  /** another token, for one that GitHub does not take (401: it has expired, or was withdrawn); asked once */
  renew?: () => Promise<string | undefined>
  sleep?: (seconds: number) => Promise<void>
}

// 20 s altogether: longer, and the state machine waits instead of a Lambda that is paid for.
const MOST_WAIT_SECONDS = 20

/**
 * A client that does what GitHub asks of clients: it waits when GitHub says for how long, if that is short, and says by the error's name whether trying again later
 * can help.
 * Its errors: GitHubUnavailable when trying again can help, GitHubRefused when it cannot. A 404 or 422 is GitHubRefused with its status.
 * Source: GitHub REST API, "Best practices for using the REST API" and "Rate limits for the REST API".
 */
export function gitHubClient({ api, token, renew, sleep = sleepSeconds }: ClientOptions): GitHubClient {
  let left = MOST_WAIT_SECONDS
  let current = token
  let mayRenew = renew !== undefined
  return octokit.defaults({
    baseUrl: api,
    headers: {
      'user-agent': 'hearth',
      'x-github-api-version': '2022-11-28',
    },
    request: {
      hook: async (request: GitHubClient, options: EndpointDefaults & { url: string }) => {
        for (;;) {
          try {
            const headers = current === undefined ? {} : { authorization: `Bearer ${current}` }
            return await request({ ...options, headers: { ...options.headers, ...headers } })
          } catch (error) {
            const { status, response } = error as AnswerError
            if (status === 401 && mayRenew) {
              mayRenew = false
              current = await renew?.()
              continue
            }
            const seconds = waitOf(status, response?.headers ?? {})
            if (seconds === undefined || seconds > left) throw explain(error, request.endpoint(options))
            left -= seconds
            await sleep(seconds)
          }
        }
      },
    },
  })
}

/** What `@octokit/request` throws for an answer; without a status there was none. */
interface AnswerError {
  status?: number
  response?: { headers: Record<string, unknown> }
}

function explain(error: unknown, { method, url }: { method: string; url: string }): HearthError {
  const { status, response } = error as AnswerError
  // Octokit's own message has GitHub's words, and neither token nor body.
  const words = error instanceof Error ? error.message : String(error)
  const message = `GitHub's answer to ${method} ${new URL(url).pathname}: ${words}`
  if (status === undefined || canTryAgain(status, response?.headers ?? {}))
    return new GitHubUnavailable(message)
  return new GitHubRefused(`${message} (${status})`, status)
}

/** GitHub says 403 for a rate limit, too, and then one of these headers. Source: GitHub REST API, "Rate limits for the REST API". */
function canTryAgain(status: number, headers: Record<string, unknown>): boolean {
  if (status >= 500 || status === 429) return true
  return status === 403 && (headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0')
}

/** For how many seconds GitHub asks to be left alone, if it says so. */
function waitOf(status: number | undefined, headers: Record<string, unknown>): number | undefined {
  if (status !== 403 && status !== 429) return undefined
  const seconds = Number(headers['retry-after'])
  return Number.isFinite(seconds) && seconds >= 0 ? Math.max(seconds, 1) : undefined
}

function sleepSeconds(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000))
}
