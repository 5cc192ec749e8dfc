import { gitHubClient, type GitHubClient, GitHubRefused } from '../../shared/github/client.ts'
import type { TokenAnswer, TokenRequest } from '../../shared/contract.ts'

/** Asks for tokens; made anew, it has forgotten those that it knew. */
export type TokenSource = (request: TokenRequest) => Promise<TokenAnswer>

/** How Report speaks to GitHub about one repository. */
export interface Voice {
  /** whether check runs can be written */
  isApp: boolean
  withClient: <Result>(call: (github: GitHubClient) => Promise<Result>) => Promise<Result>
}

/**
 * A voice for one repository, or nothing where Hearth has no credentials. A token that GitHub says is not good (401: expired, or withdrawn) is replaced once.
 * @param api base URL of GitHub's REST API
 * @throws NoToken, GitHubUnavailable
 */
export async function voiceFor(
  api: string,
  repository: string,
  tokens: { current: () => TokenSource; renew: () => TokenSource },
): Promise<Voice | undefined> {
  const request = { kind: 'report', repository } as const
  let { token, isApp } = await tokens.current()(request)
  if (token === undefined) return undefined
  return {
    isApp,
    async withClient(call) {
      try {
        return await call(gitHubClient({ api, token }))
      } catch (error) {
        if (!(error instanceof GitHubRefused && error.status === 401)) throw error
        ;({ token } = await tokens.renew()(request))
        return call(gitHubClient({ api, token }))
      }
    },
  }
}
