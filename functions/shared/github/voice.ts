import type { TokenRequest } from '../contract.ts'
import { gitHubClient, type GitHubClient } from './client.ts'
import type { TokenSource } from './token-source.ts'

/** How one of our functions speaks to GitHub about one repository. */
export interface Voice {
  github: GitHubClient
  /** whether Hearth has credentials: without, GitHub tells what is public, and takes nothing */
  hasToken: boolean
  /** whether it speaks as a GitHub App: nobody else may write check runs */
  isApp: boolean
}

/**
 * @param api base URL of GitHub's REST API
 * @throws NoToken, GitHubUnavailable
 */
export async function voiceFor(tokens: TokenSource, api: string, request: TokenRequest): Promise<Voice> {
  const { token, isApp } = await tokens.ask(request)
  const renew = async (): Promise<string | undefined> => (await tokens.renew(request)).token
  const github = gitHubClient({ api, token, ...(token === undefined ? {} : { renew }) })
  return { github, hasToken: token !== undefined, isApp }
}
