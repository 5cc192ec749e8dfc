import { type Answer, noCommit, ok } from '../answers.ts'
import { nodeId } from '../describe-owner.ts'
import { describeRepository } from '../describe-repository.ts'
import type { RepositoryCall } from '../rest-call.ts'

/** Source: GitHub REST API, "Get a repository". */
export async function getRepository({ repository, addresses }: RepositoryCall): Promise<Answer> {
  const described = await describeRepository(repository, addresses)
  return ok({ ...described, network_count: 0, subscribers_count: 0 })
}

/** Source: GitHub REST API, "Get a commit"; with the media type `sha`, its id alone. */
export async function getCommit({
  repository,
  addresses,
  parameters,
  accept,
}: RepositoryCall): Promise<Answer> {
  const ref = parameters['ref'] ?? ''
  const commit = await repository.findCommit(ref)
  if (commit === undefined) return noCommit(ref)
  const { sha, tree, parents, author, committer, message } = commit
  if (/application\/vnd\.github\.(?:v3\.)?sha/.test(accept)) return ok(sha)
  const base = `${addresses.api}/repos/${repository.fullName}`
  const page = (id: string): string => `${addresses.html}/${repository.fullName}/commit/${id}`
  return ok({
    sha,
    node_id: nodeId('Commit', sha),
    commit: {
      author,
      committer,
      message,
      tree: { sha: tree, url: `${base}/git/trees/${tree}` },
      url: `${base}/git/commits/${sha}`,
      comment_count: 0,
      verification: {
        verified: false,
        reason: 'unsigned',
        signature: null,
        payload: null,
        verified_at: null,
      },
    },
    url: `${base}/commits/${sha}`,
    html_url: page(sha),
    comments_url: `${base}/commits/${sha}/comments`,
    // nobody here has an account
    author: null,
    committer: null,
    parents: parents.map((parent) => ({
      sha: parent,
      url: `${base}/commits/${parent}`,
      html_url: page(parent),
    })),
  })
}
