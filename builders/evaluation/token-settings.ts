/** A GitHub, by its git: `https://github.com`, or that of GitHub Enterprise; and whose repositories are meant. */
export interface GitHubOwner {
  /** base URL, without a slash at its end */
  base: string
  owner: string
}

/**
 * Whose repository a job fetches, and from where.
 * @param source what `git fetch` takes
 * @param repository `owner/name`
 * @returns undefined when it is not fetched by HTTP from a place that has repositories by that name
 */
export function gitHubOwnerOf(source: string, repository: string): GitHubOwner | undefined {
  const end = `/${repository}.git`
  if (!/^https?:\/\//.test(source) || !source.endsWith(end)) return undefined
  const [owner = ''] = repository.split('/')
  return { base: source.slice(0, -end.length), owner }
}

/** What git's Basic authentication is for a token of GitHub. Source: GitHub docs, "Authenticating as a GitHub App installation". */
export function basicOf(token: string): string {
  return Buffer.from(`x-access-token:${token}`).toString('base64')
}

/**
 * A configuration of git with which it fetches with a token. Only these repositories get to see it. What names them by ssh is fetched by HTTP, too.
 * Source: git-config(1), http.<url>.extraHeader, url.<base>.insteadOf.
 * @param repositories `owner/name`
 */
export function gitConfigWithToken(
  { base, owner }: GitHubOwner,
  repositories: string[],
  token: string,
): string {
  const { hostname } = new URL(base)
  const header = `Authorization: Basic ${basicOf(token)}`
  return [
    // Both names of a repository: git compares whole parts of a path.
    ...repositories.flatMap((repository) =>
      [repository, `${repository}.git`].map((path) =>
        section('http', `${base}/${path}`, 'extraHeader', header),
      ),
    ),
    ...[`ssh://git@${hostname}/${owner}/`, `git@${hostname}:${owner}/`].map((name) =>
      section('url', `${base}/${owner}/`, 'insteadOf', name),
    ),
  ].join('')
}

function section(kind: string, name: string, key: string, value: string): string {
  return `[${kind} ${quoted(name)}]\n\t${key} = ${quoted(value)}\n`
}

/** Source: git-config(1), "Syntax". */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}

/**
 * Nix's configuration for inputs such as `github:owner/name`. A client of nix-daemon keeps it for itself: it sends its settings of the store, and this is one of fetching.
 * Source: Nix manual, `access-tokens`; src/libstore/remote-store.cc, `setOptions`.
 */
export function nixConfigWithToken({ base }: GitHubOwner, token: string): string {
  return `access-tokens = ${new URL(base).host}=${token}\n`
}
