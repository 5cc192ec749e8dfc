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
      ref: ref.slice('refs/'.length),
    })
    return data.object.sha
  } catch (error) {
    const status = (error as { status?: unknown }).status
    if (status === 404) return undefined
    const message = `GitHub's answer for ${ref} of ${repository}: ${error instanceof Error ? error.message : String(error)}`
    if (typeof status === 'number' && status < 500 && status !== 429)
      throw new GitHubRefused(`${message} (${status})`)
    throw new GitHubUnavailable(message)
  }
}
