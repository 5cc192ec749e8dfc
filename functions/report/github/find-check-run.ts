import type { Target } from '../../shared/contract.ts'
import type { GitHubClient } from '../../shared/github/client.ts'
import { ownerAndRepo } from '../../shared/github/owner-and-repo.ts'
import type { CheckRunContent } from '../check-run/check-run.ts'
import type { Told } from './told.ts'

/**
 * The check run that somebody of this run set out to create and said nothing of since: he may have died between GitHub's answer and the record. Each run has a page of
 * its own, which tells it from others of the same commit.
 * @returns undefined when nobody has set out to, or when GitHub has none
 */
export async function findCheckRun(
  github: GitHubClient,
  { repository, commit }: Target,
  told: Told['checkRun'],
  { name, details_url }: CheckRunContent,
): Promise<number | undefined> {
  if (told?.asking === undefined) return undefined
  const { data } = await github('GET /repos/{owner}/{repo}/commits/{ref}/check-runs', {
    ...ownerAndRepo(repository),
    ref: commit,
    check_name: name,
    filter: 'all',
    per_page: 100,
  })
  const found = data.check_runs.find((checkRun) => checkRun.details_url === details_url)
  return found === undefined ? undefined : Number(found.id)
}
