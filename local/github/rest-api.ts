import { randomInt } from 'node:crypto'
import { isObject } from '../json-object.ts'
import type { Commit, Repository } from './repository.ts'
import type { CommitStatus, StatusLog } from './status-log.ts'

export interface RestRequest {
  method: string
  /** below the repository: `/commits/main` */
  path: string
  query: URLSearchParams
  accept: string
  body: string
}

export interface RestResponse {
  status: number
  /** JSON, or text when it is a string */
  body: unknown
}

export const NOT_FOUND: RestResponse = {
  status: 404,
  body: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest', status: '404' },
}

/** Source: GitHub REST API, "Create a commit status": the description is cut at 140 characters by others, refused here. */
const LONGEST_DESCRIPTION = 140
const STATES = ['error', 'failure', 'pending', 'success'] as const

/** GitHub's REST API for one repository: commits, refs, branches and commit statuses. Anything else is Not Found. */
export async function answerRest(
  repository: Repository,
  statuses: StatusLog,
  { method, path, query, accept, body }: RestRequest,
): Promise<RestResponse> {
  const [, kind = '', ...rest] = path.split('/').map(decodeURIComponent)
  const name = rest.join('/')
  if (method === 'GET' && path === '') return { status: 200, body: await describe(repository) }
  if (method === 'GET' && kind === 'commits' && name.endsWith('/statuses'))
    return { status: 200, body: statusesOf(repository, statuses, name.slice(0, -'/statuses'.length)) }
  if (method === 'GET' && kind === 'commits' && name !== '') return getCommit(repository, name, accept)
  if (method === 'GET' && kind === 'git' && rest[0] === 'ref')
    return getRef(repository, rest.slice(1).join('/'))
  if (method === 'GET' && kind === 'branches' && name === '') return listBranches(repository, query)
  if (method === 'POST' && kind === 'statuses') return createStatus(repository, statuses, name, body)
  return NOT_FOUND
}

async function describe(repository: Repository): Promise<unknown> {
  const [owner = '', name = ''] = repository.fullName.split('/')
  return {
    name,
    full_name: repository.fullName,
    owner: { login: owner },
    private: true,
    default_branch: await repository.defaultBranch(),
  }
}

async function getCommit(repository: Repository, ref: string, accept: string): Promise<RestResponse> {
  const commit = await repository.findCommit(ref)
  if (commit === undefined) return unprocessable(`No commit found for SHA: ${ref}`)
  const wantsSha = /application\/vnd\.github\.(?:v3\.)?sha/.test(accept)
  return { status: 200, body: wantsSha ? commit.sha : describeCommit(commit) }
}

function describeCommit({ sha, tree, parents, author, committer, message }: Commit): unknown {
  return {
    sha,
    commit: { author, committer, message, tree: { sha: tree } },
    parents: parents.map((parent) => ({ sha: parent })),
  }
}

/** @param name without `refs/`: `heads/main` */
async function getRef(repository: Repository, name: string): Promise<RestResponse> {
  const ref = `refs/${name.replace(/^refs\//, '')}`
  const found = await repository.findRef(ref)
  return found === undefined ? NOT_FOUND : { status: 200, body: { ref, object: found } }
}

async function listBranches(repository: Repository, query: URLSearchParams): Promise<RestResponse> {
  // Source: GitHub REST API, "List branches": 30 a page, at most 100.
  const size = Math.min(100, Number(query.get('per_page') ?? 30))
  const first = (Number(query.get('page') ?? 1) - 1) * size
  const branches = (await repository.branches()).slice(first, first + size)
  return { status: 200, body: branches.map(({ name, sha }) => ({ name, commit: { sha }, protected: false })) }
}

function statusesOf(repository: Repository, statuses: StatusLog, sha: string): CommitStatus[] {
  return statuses.all
    .filter((status) => status.repository === repository.fullName && status.sha === sha)
    .toReversed()
}

async function createStatus(
  repository: Repository,
  statuses: StatusLog,
  sha: string,
  body: string,
): Promise<RestResponse> {
  const input = parseObject(body)
  if (input === undefined) return { status: 400, body: { message: 'Problems parsing JSON' } }
  const state = STATES.find((known) => known === input['state'])
  const description = textOrNull(input['description'])
  if (state === undefined) return unprocessable('Validation Failed: state is not included in the list')
  if ((description?.length ?? 0) > LONGEST_DESCRIPTION)
    return unprocessable(
      `Validation Failed: description is too long (maximum is ${LONGEST_DESCRIPTION} characters)`,
    )
  if (!/^[0-9a-f]{40}$/.test(sha) || (await repository.findCommit(sha)) === undefined)
    return unprocessable(`No commit found for SHA: ${sha}`)
  const status: CommitStatus = {
    repository: repository.fullName,
    sha,
    state,
    description,
    context: textOrNull(input['context']) ?? 'default',
    target_url: textOrNull(input['target_url']),
    created_at: new Date().toISOString(),
  }
  statuses.add(status)
  return { status: 201, body: { id: randomInt(2 ** 31), ...status } }
}

function unprocessable(message: string): RestResponse {
  return { status: 422, body: { message, documentation_url: 'https://docs.github.com/rest', status: '422' } }
}

function parseObject(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
