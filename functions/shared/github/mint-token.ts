import { createAppAuth } from '@octokit/auth-app'
import type { TokenAnswer, TokenKind } from '../contract.ts'
import { HearthError } from '../errors.ts'
import { gitHubClient, GitHubRefused } from './client.ts'
import { type AppCredentials, appOf, type GitHubCredentials } from './credentials.ts'
import { ownerAndRepo } from './owner-and-repo.ts'

/** The App cannot act for a repository. */
export class AppNotInstalled extends HearthError {
  override name = 'AppNotInstalled'
}

/** Each kind may do this, and nothing else, whatever the App itself was given. */
export const PERMISSIONS = {
  report: { checks: 'write', statuses: 'write' },
  contents: { contents: 'read' },
} as const satisfies Record<TokenKind, Record<string, string>>

/**
 * A token for some repositories of one owner: an installation token of the App, narrowed to the kind's permissions, good for an hour; or the token that somebody gave
 * Hearth, which nobody can narrow; or none.
 * @param repositories `owner/name`, all of the same owner
 * @throws AppNotInstalled, GitHubUnavailable, GitHubRefused
 */
export async function mintToken(
  api: string,
  credentials: GitHubCredentials,
  kind: TokenKind,
  repositories: [string, ...string[]],
): Promise<TokenAnswer> {
  if ('token' in credentials) return { token: credentials.token, isApp: false }
  if (!('appId' in credentials)) return { isApp: false }
  const { appId, privateKey } = credentials
  const auth = createAppAuth({ appId, privateKey, request: gitHubClient({ api }) })
  const { token: jwt } = await auth({ type: 'app' })
  const [first] = repositories
  const { id: installationId } = await installationOf(api, jwt, first)
  try {
    const { token, expiresAt } = await auth({
      type: 'installation',
      installationId,
      repositoryNames: repositories.map((repository) => ownerAndRepo(repository).repo),
      permissions: PERMISSIONS[kind],
    })
    return { token, expires: expiresAt, isApp: true }
  } catch (error) {
    if (error instanceof GitHubRefused && error.status === 422)
      throw new AppNotInstalled(
        `the GitHub App may not have a token for ${repositories.join(', ')}: is it installed on all of them, with ${Object.entries(PERMISSIONS[kind]).join(' and ').replaceAll(',', ': ')}?`,
      )
    throw error
  }
}

/**
 * Why the App can have no token for a repository, looked at by itself; undefined when it can, or when Hearth acts for no App.
 * @throws GitHubUnavailable, GitHubRefused
 */
export async function whyNotInstalled(
  api: string,
  credentials: GitHubCredentials,
  repository: string,
): Promise<string | undefined> {
  const app = appOf(credentials)
  if (app === undefined) return undefined
  try {
    await findInstallation(api, app, repository)
    return undefined
  } catch (error) {
    if (error instanceof AppNotInstalled) return error.message
    throw error
  }
}

/** What an installation of the App may do, as GitHub tells the App. */
export interface AppInstallation {
  /** `checks` -> `write` */
  permissions: Record<string, string>
  isSuspended: boolean
}

/**
 * What the App may do with a repository.
 * @throws AppNotInstalled, GitHubUnavailable, GitHubRefused
 */
export async function findInstallation(
  api: string,
  { appId, privateKey }: AppCredentials,
  repository: string,
): Promise<AppInstallation> {
  const auth = createAppAuth({ appId, privateKey, request: gitHubClient({ api }) })
  const { token: jwt } = await auth({ type: 'app' })
  const { permissions, suspended_at: suspended } = await installationOf(api, jwt, repository)
  return {
    permissions: Object.fromEntries(Object.entries(permissions)),
    isSuspended: typeof suspended === 'string',
  }
}

async function installationOf(api: string, jwt: string, repository: string) {
  try {
    const github = gitHubClient({ api, token: jwt })
    return (await github('GET /repos/{owner}/{repo}/installation', ownerAndRepo(repository))).data
  } catch (error) {
    if (error instanceof GitHubRefused && error.status === 404)
      throw new AppNotInstalled(
        `the GitHub App is not installed on ${repository}, or there is no such repository: install it there, on the page of the App`,
      )
    throw error
  }
}
