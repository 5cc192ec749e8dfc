import { createHash } from 'node:crypto'
import { serve } from '../http-server.ts'

/** The commit that a branch or tag of the fake points at. */
export function shaOf(name: string): string {
  return createHash('sha1').update(name).digest('hex')
}

export interface FakeRepository {
  branches?: string[]
  tags?: string[]
  /** it lists what it does not know by name: a branch that is deleted between two requests */
  isListOnly?: boolean
  /** it says Not Found to everything */
  isHidden?: boolean
  /** it answers nothing but this status */
  isDown?: number
}

/** The answers of GitHub's REST API that the schedule needs, for one repository or for each by its name. @returns what was asked, too */
export async function fakeGitHub(
  repositories: FakeRepository | Record<string, FakeRepository>,
): Promise<{ api: string; asked: string[] }> {
  const asked: string[] = []
  const api = await serve((request, response) => {
    asked.push(request.url ?? '')
    const url = new URL(request.url ?? '', 'http://fake')
    const [, , owner, repo, ...path] = url.pathname.split('/')
    const one = (repositories as Record<string, FakeRepository>)[`${owner}/${repo}`] ?? repositories
    const { status, body } = answer(one, path, url.searchParams)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  return { api, asked }
}

const NOT_FOUND = { status: 404, body: { message: 'Not Found' } }

function answer(
  { branches = [], tags = [], isListOnly, isHidden, isDown }: FakeRepository,
  [kind = '', ...rest]: string[],
  query: URLSearchParams,
): { status: number; body: unknown } {
  if (isDown !== undefined) return { status: isDown, body: { message: 'unicorn' } }
  if (isHidden === true) return NOT_FOUND
  if (kind === '') return { status: 200, body: { full_name: 'acme/shells' } }
  if (kind === 'git') {
    const [, namespace, ...name] = rest
    const found = (namespace === 'heads' ? branches : tags).find((one) => one === name.join('/'))
    if (found === undefined || isListOnly === true) return NOT_FOUND
    return { status: 200, body: { object: { type: 'commit', sha: shaOf(found) } } }
  }
  const size = Number(query.get('per_page') ?? 30)
  const first = (Number(query.get('page') ?? 1) - 1) * size
  const page = (kind === 'branches' ? branches : tags).slice(first, first + size)
  return { status: 200, body: page.map((name) => ({ name, commit: { sha: shaOf(name) } })) }
}
