import { request as octokit } from '@octokit/request'
import { HearthError } from '../shared/errors.ts'

export class GitHubUnavailable extends HearthError {
  override name = 'GitHubUnavailable'
  override retryable = true
}

export class GitHubRefused extends HearthError {
  override name = 'GitHubRefused'
}

/**
 * The commit that a branch points at, or undefined when GitHub knows no such branch or repository.
 * @param ref `refs/heads/main`
 * @throws GitHubUnavailable when trying again can help, GitHubRefused when it cannot
 */
export async function headOf(api: string, repository: string, ref: string): Promise<string | undefined> {
  const [owner = '', repo = ''] = repository.split('/')
  try {
    const { data } = await octokit('GET /repos/{owner}/{repo}/git/ref/{+ref}', {
      baseUrl: api,
      owner,
      repo,
      // segment by segment: `{+ref}` keeps slashes, but also `#` and `%`, which names of branches may have
      ref: ref.slice('refs/'.length).split('/').map(encodeURIComponent).join('/'),
    })
    return data.object.sha
  } catch (error) {
    const { status, response } = error as GitHubError
    if (status === 404) return undefined
    const message = `GitHub's answer for ${ref} of ${repository}: ${error instanceof Error ? error.message : String(error)}`
    if (canTryAgain(status, response?.headers ?? {})) throw new GitHubUnavailable(message)
    throw new GitHubRefused(`${message} (${status})`)
  }
}

/** What `@octokit/request` throws for an answer; without a status there was none. */
interface GitHubError {
  status?: number
  response?: { headers: Record<string, unknown> }
}

/** GitHub says 403 for a rate limit, too, and then one of these headers. Source: GitHub REST API, "Rate limits for the REST API". */
function canTryAgain(status: number | undefined, headers: Record<string, unknown>): boolean {
  if (status === undefined || status >= 500 || status === 429) return true
  return status === 403 && (headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0')
}
