import { ApiError } from './api-error.ts'

/** Source: API reference; 0 and absent both mean this. */
const DEFAULT_PAGE = 100

/**
 * One page of a list. The token names the last element of the page, so that what is added meanwhile neither repeats nor hides anything.
 * @param of what is listed (`ListExecutions arn:…`): a token is good for the very same list only
 * @throws ApiError InvalidToken
 */
export function page<T>(
  all: readonly T[],
  keyOf: (element: T) => string | number,
  {
    of,
    maxResults,
    nextToken,
  }: { of: string; maxResults?: number | undefined; nextToken?: string | undefined },
): { elements: T[]; nextToken?: string } {
  const start = nextToken === undefined ? 0 : afterToken(all, keyOf, of, nextToken)
  const elements = all.slice(
    start,
    start + (maxResults === undefined || maxResults === 0 ? DEFAULT_PAGE : maxResults),
  )
  const last = elements.at(-1)
  if (last === undefined || start + elements.length >= all.length) return { elements }
  return { elements, nextToken: Buffer.from(JSON.stringify([of, keyOf(last)])).toString('base64url') }
}

function afterToken<T>(
  all: readonly T[],
  keyOf: (element: T) => string | number,
  of: string,
  token: string,
): number {
  const invalid = new ApiError('InvalidToken', `Invalid Token: '${token}'`)
  let read: unknown
  try {
    read = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'))
  } catch {
    throw invalid
  }
  if (!Array.isArray(read) || read[0] !== of) throw invalid
  const index = all.findIndex((element) => keyOf(element) === read[1])
  if (index < 0) throw invalid
  return index + 1
}
