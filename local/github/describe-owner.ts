import { createHash } from 'node:crypto'

/** Where what GitHub describes is to be found. */
export interface Addresses {
  /** of the REST API */
  api: string
  /** of the pages that people look at, and of git */
  html: string
}

/** github.com's own, which its deliveries name. */
export const GITHUB_COM: Addresses = { api: 'https://api.github.com', html: 'https://github.com' }

/** The same number for the same name. */
export function numberOf(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32BE(0) % 100_000_000
}

export function nodeId(kind: string, id: number | string): string {
  return Buffer.from(`${kind}:${id}`).toString('base64')
}

/** A user or an organisation, as every answer and delivery describes them. Source: GitHub REST API, "simple user". */
export function describeOwner(login: string, { api, html }: Addresses): Record<string, unknown> {
  const id = numberOf(login)
  const url = `${api}/users/${login}`
  return {
    login,
    id,
    node_id: nodeId('User', id),
    avatar_url: `https://avatars.githubusercontent.com/u/${id}?v=4`,
    gravatar_id: '',
    url,
    html_url: `${html}/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: 'Organization',
    site_admin: false,
  }
}
