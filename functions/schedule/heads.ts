import { isConfiguredRef } from '../shared/config.ts'
import { type GitHubClient, GitHubRefused } from '../shared/github/client.ts'
import { headOf } from '../shared/github/head-of.ts'
import { isShown } from '../shared/github/is-shown.ts'
import { ownerAndRepo } from '../shared/github/owner-and-repo.ts'
import type { RepositoryConfig } from '../shared/parse-config.ts'

type Configured = Pick<RepositoryConfig, 'name' | 'refs' | 'tags'>

// The most that GitHub gives. Source: GitHub REST API, "List branches", "List repository tags".
const PAGE = 100
// The list of a large repository has dozens of pages: a few branches are asked for by name.
const FEW = 3

const PREFIXES = { branches: 'refs/heads/', tags: 'refs/tags/' }

/**
 * The branches and tags of a repository that hearth.yml names and GitHub has, by full ref, with the commits that they point at. Costs a request for every 100 branches
 * and every 100 tags of the repository, or one for each name where there are a few names and no patterns.
 * @throws GitHubUnavailable, GitHubRefused: also when GitHub does not show the repository at all
 */
export async function headsOf(github: GitHubClient, configured: Configured): Promise<Map<string, string>> {
  const { refs, tags } = configured
  const heads = [
    ...(await headsOfKind(github, configured.name, 'branches', refs)),
    ...(await headsOfKind(github, configured.name, 'tags', tags)),
  ]
  return new Map(heads.filter(([ref]) => isConfiguredRef(configured, ref)))
}

type Head = [ref: string, commit: string]

async function headsOfKind(
  github: GitHubClient,
  repository: string,
  kind: keyof typeof PREFIXES,
  names: string[],
): Promise<Head[]> {
  const isListed = names.length > FEW || names.some((name) => name.includes('*'))
  const refs = names.map((name) => PREFIXES[kind] + name)
  return isListed ? listHeads(github, repository, kind) : headsByName(github, repository, refs)
}

async function headsByName(github: GitHubClient, repository: string, refs: string[]): Promise<Head[]> {
  const heads: Head[] = []
  for (const ref of refs) {
    const commit = await headOf(github, repository, ref)
    if (commit !== undefined) heads.push([ref, commit])
  }
  if (heads.length < refs.length && !(await isShown(github, repository)))
    throw new GitHubRefused(
      `GitHub does not show ${repository} to Hearth (404): \`hearth github status\` says why`,
      404,
    )
  return heads
}

async function listHeads(
  github: GitHubClient,
  repository: string,
  kind: keyof typeof PREFIXES,
): Promise<Head[]> {
  const heads: Head[] = []
  for (let page = 1; ; page++) {
    const which = { ...ownerAndRepo(repository), page, per_page: PAGE }
    const { data } =
      kind === 'branches'
        ? await github('GET /repos/{owner}/{repo}/branches', which)
        : // the commit of an annotated tag, not the tag's own object
          await github('GET /repos/{owner}/{repo}/tags', which)
    heads.push(...data.map(({ name, commit }): Head => [PREFIXES[kind] + name, commit.sha]))
    if (data.length < PAGE) return heads
  }
}
