import { isConfiguredRef } from '../shared/config.ts'
import type { RunId } from '../shared/contract.ts'
import type { GitHubClient } from '../shared/github/client.ts'
import { headOf } from '../shared/github/head-of.ts'
import { isShown } from '../shared/github/is-shown.ts'
import { stateKeys } from '../shared/keys.ts'
import { isAlive, type NewestRun } from '../shared/newest-run.ts'
import { type Bucket, findJson, writeJson } from '../shared/objects.ts'
import type { RepositoryConfig } from '../shared/parse-config.ts'
import type { DeletedRef } from '../shared/records.ts'

/**
 * Has the roots of a ref begin to expire, if GitHub has it no more. What says that a ref was deleted may be late, replayed or made up: only GitHub's own answer counts.
 * @param started of the run that looks, ISO 8601
 * @returns what becomes of the roots, in a sentence
 * @throws GitHubUnavailable, GitHubRefused
 */
export async function noteDeletion(
  state: Bucket,
  github: GitHubClient,
  configured: RepositoryConfig,
  { ref, run, started }: { ref: string; run: RunId; started: string },
): Promise<string> {
  const { name: repository } = configured
  const newest = await findJson<NewestRun>(state, stateKeys.newestRun(repository, ref))
  // Every merged pull request deletes a branch: of most of them nothing was ever kept.
  if (newest === undefined && !isConfiguredRef(configured, ref))
    return `nothing of ${ref} in ${repository} was kept warm`
  const known = await findJson<DeletedRef>(state, stateKeys.deletedRef(repository, ref))
  // Once said, it stands: to say it again would put off what expires.
  if (known !== undefined && !isAlive(newest, known))
    return `${ref} of ${repository} has been gone since ${known.since}: its roots expire already`
  const head = await headOf(github, repository, ref)
  if (head !== undefined) return `${ref} of ${repository} lives, at ${head}: its roots stay`
  if (!(await isShown(github, repository)))
    return `GitHub does not show ${repository} to Hearth, so ${ref} may live: its roots stay`
  const deleted: DeletedRef = { version: 1, repository, ref, since: started, run }
  await writeJson(state, stateKeys.deletedRef(repository, ref), deleted)
  return `${ref} of ${repository} is gone: its roots begin to expire, unless it comes back`
}
