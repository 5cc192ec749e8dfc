import { type Answer, ok } from './answers.ts'
import type { RestCall } from './rest-call.ts'

// Source: GitHub REST API, "Using pagination in the REST API": 30 a page, at most 100.
const DEFAULT_SIZE = 30
const LARGEST_SIZE = 100

export interface Page<T> {
  items: T[]
  /** `Link`, when there is more than one page */
  headers: Record<string, string>
}

/** The page of a list that a request asks for, and where the others are. */
export function pageOf<T>(call: Pick<RestCall, 'url' | 'query'>, all: readonly T[]): Page<T> {
  const size = Math.min(LARGEST_SIZE, positive(call.query.get('per_page')) ?? DEFAULT_SIZE)
  const page = positive(call.query.get('page')) ?? 1
  const last = Math.max(1, Math.ceil(all.length / size))
  const items = all.slice((page - 1) * size, page * size)
  const address = (number: number): string => {
    const url = new URL(call.url)
    url.searchParams.set('page', String(number))
    return `<${url.href}>`
  }
  const links = [
    ...(page > 1 ? [`${address(page - 1)}; rel="prev"`] : []),
    ...(page < last ? [`${address(page + 1)}; rel="next"`, `${address(last)}; rel="last"`] : []),
    ...(page > 1 ? [`${address(1)}; rel="first"`] : []),
  ]
  return { items, headers: links.length === 0 ? {} : { link: links.join(', ') } }
}

export async function answerPage<T>(
  call: RestCall,
  all: readonly T[],
  describe: (item: T) => unknown,
): Promise<Answer> {
  const { items, headers } = pageOf(call, all)
  return { ...ok(await Promise.all(items.map(describe))), headers }
}

function positive(text: string | null): number | undefined {
  const number = Number(text)
  return Number.isInteger(number) && number > 0 ? number : undefined
}
