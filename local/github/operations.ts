import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'

interface Operation {
  method: string
  /** `/repos/{owner}/{repo}/git/ref/{ref}` */
  path: string
  /** of the answer when all is well */
  status: number
  body?: object
  answer?: object
}

/** What scripts/github-operations.ts took from GitHub's own description of its API. */
const { operations, $defs } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'operations.json'), 'utf8'),
) as { operations: Record<string, Operation>; $defs: object }

// GitHub's schemas say `required` of fields that they do not describe, and the like: that is not ours to judge.
const ajv = new Ajv({ strict: false, allErrors: true })
addFormats.default(ajv)
const compiled = new Map<string, ValidateFunction>()

export interface Route {
  operation: string
  method: string
  /** of a path, with its parameters as named groups */
  pattern: RegExp
}

/** Every operation that is known here, the most specific path first: `commits/{ref}/statuses` before `commits/{ref}`, whose parameter may have slashes. */
export const ROUTES: readonly Route[] = Object.entries(operations)
  .map(([operation, { method, path }]) => ({ operation, method, path }))
  .sort((a, b) => b.path.split('/').length - a.path.split('/').length)
  .map(({ operation, method, path }) => ({ operation, method, pattern: patternOf(path) }))

function patternOf(path: string): RegExp {
  // a tarball without a ref is the default branch's
  const source = path
    .replace('/tarball/{ref}', '/tarball(?:/{ref})?')
    .replaceAll(/\{(\w+)\}/g, (_, name) => `(?<${name}>${name === 'ref' ? '.+' : '[^/]+'})`)
  return new RegExp(`^${source}$`)
}

/**
 * What is wrong with a request's body by GitHub's schema of it; nothing when it has none.
 * @param operation `repos/create-commit-status`
 */
export function faultsOfBody(operation: string, body: unknown): string[] {
  return faults(operation, 'body', body)
}

/** What is wrong with an answer, by GitHub's schema of it. */
export function faultsOfAnswer(operation: string, body: unknown): string[] {
  return faults(operation, 'answer', body)
}

function faults(operation: string, part: 'body' | 'answer', value: unknown): string[] {
  const schema = operations[operation]?.[part]
  if (schema === undefined) return []
  const key = `${operation} ${part}`
  const validate = compiled.get(key) ?? ajv.compile({ ...schema, $defs })
  compiled.set(key, validate)
  if (validate(value)) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message = '' }) =>
      `${instancePath === '' ? 'the body' : instancePath.slice(1)} ${message}`,
  )
}
