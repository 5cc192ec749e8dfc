import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { type Answer, NOT_FOUND } from '../answers.ts'
import { findRepository, type Forge } from '../forge.ts'
import { GIT_ENVIRONMENT, type Repository } from '../repository.ts'
import type { RepositoryCall } from '../rest-call.ts'

// Source: GitHub REST API, "Download a repository archive (tar)": links of private repositories expire after five minutes.
const LINK_MS = 5 * 60_000

/** Where archives are served, as codeload.github.com does. */
const PLACE = /^\/_codeload\/([^/]+\/[^/]+)\/legacy\.tar\.gz\/([0-9a-f]{40})$/

/** Source: GitHub REST API, "Download a repository archive (tar)": a redirection, with a key of its own when the repository is private. */
export async function redirectToTarball(call: RepositoryCall): Promise<Answer> {
  const { forge, repository, parameters, url } = call
  const commit = await repository.findCommit(parameters['ref'] ?? 'HEAD')
  if (commit === undefined) return NOT_FOUND
  const location = new URL(`/_codeload/${repository.fullName}/legacy.tar.gz/${commit.sha}`, url)
  if (repository.isPrivate) {
    const key = randomBytes(16).toString('hex')
    forge.downloads.set(key, {
      repository: repository.fullName,
      sha: commit.sha,
      until: forge.clock.now() + LINK_MS,
    })
    location.searchParams.set('token', key)
  }
  return { status: 302, headers: { location: location.href } }
}

/** An archive as github.com's pages link it, and as Nix asks for it without a token: of public repositories alone. */
const PAGE = /^\/([^/]+\/[^/]+)\/archive\/(.+)\.tar\.gz$/

/** Where the archive is that a page links; undefined when it links none. */
export async function linkedTarball(forge: Forge, url: URL): Promise<string | undefined> {
  const [, fullName = '', ref = ''] = PAGE.exec(url.pathname) ?? []
  const repository = findRepository(forge, fullName)
  if (repository === undefined || repository.isPrivate) return undefined
  const commit = await repository.findCommit(decodeURIComponent(ref))
  return commit === undefined
    ? undefined
    : new URL(`/_codeload/${repository.fullName}/legacy.tar.gz/${commit.sha}`, url).href
}

/** The repository and the commit that an address of an archive names; undefined when it is none, or is not good (any more). */
export function findDownload(forge: Forge, url: URL): { repository: Repository; sha: string } | undefined {
  const [, fullName = '', sha = ''] = PLACE.exec(url.pathname) ?? []
  const repository = findRepository(forge, fullName)
  if (repository === undefined) return undefined
  if (!repository.isPrivate) return { repository, sha }
  const link = forge.downloads.get(url.searchParams.get('token') ?? '')
  const isGood =
    link !== undefined &&
    link.repository === repository.fullName &&
    link.sha === sha &&
    link.until > forge.clock.now()
  return isGood ? { repository, sha } : undefined
}

/** Streams what `git archive` makes of a commit, below the one folder `owner-repo-sha7`. */
export async function serveTarball(
  { repository, sha }: { repository: Repository; sha: string },
  response: ServerResponse,
): Promise<void> {
  const folder = `${repository.fullName.replace('/', '-')}-${sha.slice(0, 7)}`
  const child = spawn(
    'git',
    ['-C', repository.path, 'archive', '--format=tar.gz', `--prefix=${folder}/`, sha],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: process.env['PATH'] ?? '', ...GIT_ENVIRONMENT },
    },
  )
  const exited = once(child, 'exit')
  response.once('close', () => child.kill())
  response.writeHead(200, {
    'content-type': 'application/x-gzip',
    'content-disposition': `attachment; filename=${folder}.tar.gz`,
  })
  await pipeline(child.stdout, response)
  await exited
}
