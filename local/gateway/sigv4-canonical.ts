import type { IncomingMessage } from 'node:http'
import { AuthorizationMalformed } from './sigv4-errors.ts'

/** A raw URL as its path, still encoded, and its decoded query parameters. */
export function splitUrl(url: string): { path: string; query: [string, string][] } {
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const fields = mark === -1 ? [] : url.slice(mark + 1).split('&')
  const query = fields
    .filter((field) => field !== '')
    .map((field): [string, string] => {
      const equals = field.indexOf('=')
      if (equals === -1) return [decode(field), '']
      return [decode(field.slice(0, equals)), decode(field.slice(equals + 1))]
    })
  return { path, query }
}

/** S3 signs the path as it is sent, encoded once; every other service encodes the encoded path again and resolves `.` and `..`. */
export function canonicalPath(path: string, service: string): string {
  if (service === 's3') return encodePath(decode(path))
  const resolved: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue
    if (segment === '..') resolved.pop()
    else resolved.push(encode(segment))
  }
  const trailing = path.endsWith('/') && resolved.length > 0 ? '/' : ''
  return `/${resolved.join('/')}${trailing}`
}

/** Query parameters, encoded and sorted; the signature itself is not part of what it signs. */
export function canonicalQuery(query: [string, string][]): string {
  return query
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([name, value], [otherName, otherValue]) =>
      name === otherName ? compareBytes(value, otherValue) : compareBytes(name, otherName),
    )
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** All values of a header, in the order they came, each without superfluous spaces. */
export function canonicalHeader(request: IncomingMessage, name: string): string {
  const values: string[] = []
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    if (request.rawHeaders[index]?.toLowerCase() !== name) continue
    // Header bytes reach Node as Latin-1 characters; clients sign them as UTF-8 text.
    const value = Buffer.from(request.rawHeaders[index + 1] ?? '', 'latin1').toString('utf8')
    values.push(value.trim().replaceAll(/ +/g, ' '))
  }
  return values.join(',')
}

/** AWS's UriEncode: everything but the unreserved characters of RFC 3986, which encodeURIComponent leaves more of. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function encodePath(path: string): string {
  return path.split('/').map(encode).join('/')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new AuthorizationMalformed('the URL holds a percent-encoding that is not UTF-8')
  }
}

function compareBytes(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
