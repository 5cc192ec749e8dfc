import { type GitHubClient, GitHubRefused } from './client.ts'
import { ownerAndRepo } from './owner-and-repo.ts'

/**
 * Whether GitHub shows a repository to this token. One that it does not show looks as if it had no refs: nothing follows from what is missing there.
 * @throws GitHubUnavailable, GitHubRefused
 */
export async function isShown(github: GitHubClient, repository: string): Promise<boolean> {
  try {
    await github('GET /repos/{owner}/{repo}', ownerAndRepo(repository))
    return true
  } catch (error) {
    if (error instanceof GitHubRefused && error.status === 404) return false
    throw error
  }
}
