import { type GitHubClient, GitHubRefused } from './client.ts'
import { ownerAndRepo } from './owner-and-repo.ts'

/**
 * The commit that a branch or a tag points at, or undefined when GitHub knows no such ref or repository (or does not show it to this token).
 * @param ref `refs/heads/main`, `refs/tags/v1`
 * @throws GitHubUnavailable, GitHubRefused
 */
export async function headOf(
  github: GitHubClient,
  repository: string,
  ref: string,
): Promise<string | undefined> {
  const which = ownerAndRepo(repository)
  try {
    const { data } = await github('GET /repos/{owner}/{repo}/git/ref/{+ref}', {
      ...which,
      // segment by segment: `{+ref}` keeps slashes, but also `#` and `%`, which names of branches may have
      ref: ref.slice('refs/'.length).split('/').map(encodeURIComponent).join('/'),
    })
    const { type, sha } = data.object
    if (type !== 'tag') return sha
    // an annotated tag is an object of its own
    const tag = await github('GET /repos/{owner}/{repo}/git/tags/{tag_sha}', { ...which, tag_sha: sha })
    return tag.data.object.sha
  } catch (error) {
    if (error instanceof GitHubRefused && error.status === 404) return undefined
    throw error
  }
}
