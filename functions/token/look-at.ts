import type { AccessAnswer, RepositoryAccessAnswer } from '../shared/contract.ts'
import { gitHubClient, GitHubRefused } from '../shared/github/client.ts'
import { type AppCredentials, appOf, type GitHubCredentials } from '../shared/github/credentials.ts'
import { ownerAndRepo } from '../shared/github/owner-and-repo.ts'
import { AppNotInstalled, findInstallation, PERMISSIONS } from '../shared/github/mint-token.ts'

/**
 * What Hearth's credentials for GitHub are, and what they open of a repository.
 * @throws GitHubUnavailable, GitHubRefused
 */
export async function lookAt(
  api: string,
  credentials: GitHubCredentials,
  repository: string | undefined,
): Promise<Omit<AccessAnswer, 'webhook'>> {
  const app = appOf(credentials)
  const kind = app !== undefined ? 'app' : 'token' in credentials ? 'token' : 'none'
  if (repository === undefined) return { credentials: kind }
  const looked =
    app !== undefined
      ? await lookAsApp(api, app, repository)
      : await lookWithToken(api, 'token' in credentials ? credentials.token : undefined, repository)
  return { credentials: kind, repository: looked }
}

async function lookAsApp(
  api: string,
  app: AppCredentials,
  repository: string,
): Promise<RepositoryAccessAnswer> {
  try {
    const { permissions, isSuspended } = await findInstallation(api, app, repository)
    if (isSuspended) return nothing(`the installation of the GitHub App for ${repository} is suspended`)
    const lacks = (needed: Record<string, string>): string[] =>
      Object.entries(needed).flatMap(([name, level]) =>
        permissions[name] === level || permissions[name] === 'write' ? [] : [`${name}: ${level}`],
      )
    const [reading, reporting] = [lacks(PERMISSIONS.contents), lacks(PERMISSIONS.report)]
    const missing = [...reading, ...reporting]
    return {
      reads: reading.length === 0,
      reports: reporting.length === 0,
      faults:
        missing.length === 0
          ? []
          : [`the GitHub App is installed on ${repository} without ${missing.join(', ')}`],
    }
  } catch (error) {
    if (error instanceof AppNotInstalled) return nothing(error.message)
    throw error
  }
}

function nothing(fault: string): RepositoryAccessAnswer {
  return { reads: false, reports: false, faults: [fault] }
}

/** What GitHub says of a token is its owner's rights; whether the token itself may write statuses, only writing one shows. */
async function lookWithToken(
  api: string,
  token: string | undefined,
  repository: string,
): Promise<RepositoryAccessAnswer> {
  const whose = token === undefined ? 'without credentials' : 'with the token that Hearth was given'
  const github = gitHubClient({ api, token })
  try {
    const { data } = await github('GET /repos/{owner}/{repo}', ownerAndRepo(repository))
    await github('GET /repos/{owner}/{repo}/branches', { ...ownerAndRepo(repository), per_page: 1 })
    if (token === undefined) return { reads: true, reports: false, faults: [] }
    const reports = data.permissions?.push === true
    const fault = `${repository} cannot be written ${whose}: statuses need that`
    return { reads: true, reports, faults: reports ? [] : [fault] }
  } catch (error) {
    if (!(error instanceof GitHubRefused)) throw error
    if (error.status === 401)
      return nothing('GitHub does not know the token that Hearth was given: it has expired, or was revoked')
    return nothing(`${repository} cannot be read ${whose}, or there is no such repository`)
  }
}
