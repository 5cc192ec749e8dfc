/**
 * Takes what the local GitHub checks out of GitHub's own description of its REST API: for each operation that Hearth uses, the schema of the request's body and of the
 * answer. Run it again when Hearth uses another operation, or for a newer description:
 *
 *     node scripts/github-operations.ts <generated/api.github.com.deref.json of the package @octokit/openapi> <that package's version>
 *     oxfmt local/github/operations.json
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isObject } from '../local/json-object.ts'

/** Operation and the status of its answer. */
const OPERATIONS: Record<string, number> = {
  'apps/get-authenticated': 200,
  'apps/get-repo-installation': 200,
  'apps/list-repos-accessible-to-installation': 200,
  'apps/create-installation-access-token': 201,
  'apps/create-from-manifest': 201,
  'apps/get-webhook-config-for-app': 200,
  'apps/update-webhook-config-for-app': 200,
  'checks/create': 201,
  'checks/get': 200,
  'checks/update': 200,
  'checks/list-annotations': 200,
  'checks/list-for-ref': 200,
  'git/get-ref': 200,
  'git/get-tag': 200,
  'git/list-matching-refs': 200,
  'rate-limit/get': 200,
  'repos/create-commit-status': 201,
  'repos/download-tarball-archive': 302,
  'repos/get': 200,
  'repos/get-commit': 200,
  'repos/list-branches': 200,
  'repos/list-commit-statuses-for-ref': 200,
  'repos/list-tags': 200,
}

/** Words of OpenAPI that say nothing about what is valid. */
const SILENT = new Set([
  'description',
  'example',
  'examples',
  'title',
  'externalDocs',
  'deprecated',
  'discriminator',
  'readOnly',
  'xml',
])
/** Schemas of more characters than this that occur again are written once. */
const WORTH_A_NAME = 200

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** A schema of OpenAPI 3.0 as JSON Schema: without its prose, and with `null` among the types instead of `nullable`. */
function toJsonSchema(schema: Json, isMap = false): Json {
  if (Array.isArray(schema)) return schema.map((item) => toJsonSchema(item))
  if (!isObject(schema)) return schema
  const entries = Object.entries(schema as Record<string, Json>)
  // the keys below `properties` are names of fields, which may be called like a word of OpenAPI
  if (isMap) return Object.fromEntries(entries.map(([key, value]) => [key, toJsonSchema(value)]))
  const kept: Record<string, Json> = {}
  for (const [key, value] of entries) {
    if (SILENT.has(key) || key === 'nullable' || key.startsWith('x-')) continue
    kept[key] =
      key === 'enum' || key === 'default' || key === 'required'
        ? value
        : toJsonSchema(value, key === 'properties')
  }
  if (schema['nullable'] !== true) return kept
  if (typeof kept['type'] !== 'string') return { anyOf: [{ type: 'null' }, kept] }
  const values = kept['enum']
  return {
    ...kept,
    type: [kept['type'], 'null'],
    ...(Array.isArray(values) && !values.includes(null) ? { enum: [...values, null] } : {}),
  }
}

/** Writes schemas that occur more than once below `$defs`, named by their hash. */
function shareRepeated(schemas: Json): { schemas: Json; shared: Record<string, Json> } {
  const seen = new Map<string, number>()
  const count = (value: Json): void => {
    if (!isObject(value) && !Array.isArray(value)) return
    const text = JSON.stringify(value)
    if (isObject(value) && text.length > WORTH_A_NAME) {
      seen.set(text, (seen.get(text) ?? 0) + 1)
      if (seen.get(text) !== 1) return
    }
    for (const item of Object.values(value)) count(item)
  }
  count(schemas)
  const shared: Record<string, Json> = {}
  const share = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(share)
    if (!isObject(value)) return value
    const text = JSON.stringify(value)
    const inner = (): Json =>
      Object.fromEntries(
        Object.entries(value as Record<string, Json>).map(([key, item]) => [key, share(item)]),
      )
    if ((seen.get(text) ?? 0) < 2 || !isSchema(value)) return inner()
    const name = createHash('sha256').update(text).digest('hex').slice(0, 12)
    shared[name] ??= inner()
    return { $ref: `#/$defs/${name}` }
  }
  return { schemas: share(schemas), shared }
}

/** Whether a reference may stand there: a map of fields is no schema. */
function isSchema(value: Record<string, unknown>): boolean {
  return ['type', 'anyOf', 'oneOf', 'allOf'].some((word) => word in value) && !isObject(value['type'])
}

interface Operation {
  operationId?: string
  requestBody?: { content?: Record<string, { schema: Json }> }
  responses?: Record<string, { content?: Record<string, { schema: Json }> }>
}

function main([source, version]: string[]): void {
  if (source === undefined || version === undefined)
    throw new Error(
      'usage: node scripts/github-operations.ts <api.github.com.deref.json> <version of @octokit/openapi>',
    )
  const document = JSON.parse(readFileSync(source, 'utf8')) as {
    info: { version: string }
    paths: Record<string, Record<string, Operation>>
  }
  const found: Record<string, Json> = {}
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods)) {
      const id = operation.operationId ?? ''
      const status = OPERATIONS[id]
      if (status === undefined) continue
      const body = operation.requestBody?.content?.['application/json']?.schema
      const answer = operation.responses?.[status]?.content?.['application/json']?.schema
      found[id] = {
        method: method.toUpperCase(),
        path,
        status,
        ...(body === undefined ? {} : { body: toJsonSchema(body) }),
        ...(answer === undefined ? {} : { answer: toJsonSchema(answer) }),
      }
    }
  const absent = Object.keys(OPERATIONS).filter((id) => !(id in found))
  if (absent.length > 0) throw new Error(`${source} has no operation ${absent.join(', ')}`)
  const { schemas, shared } = shareRepeated(found)
  const header = `made by scripts/github-operations.ts from @octokit/openapi ${version}, generated/api.github.com.deref.json (API ${document.info.version})`
  const file = join(import.meta.dirname, '../local/github/operations.json')
  writeFileSync(file, `${JSON.stringify({ source: header, operations: schemas, $defs: shared }, null, 1)}\n`)
}

main(process.argv.slice(2))
