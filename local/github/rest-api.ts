import { createHash } from 'node:crypto'
import { type Answer, NOT_FOUND, refusal, REQUIRES_AUTHENTICATION, UNPARSABLE } from './answers.ts'
import { type Caller, identify } from './caller.ts'
import type { Addresses } from './describe-owner.ts'
import { OF_ANYBODY, OF_APPS, OF_REPOSITORIES } from './endpoints/endpoints.ts'
import { findRepository, type Forge } from './forge.ts'
import { UNDECODABLE } from './json-web-token.ts'
import { faultsOfBody, type Route, ROUTES } from './operations.ts'
import { SECONDARY_LIMIT } from './pace.ts'
import { whyNot } from './permissions.ts'
import { rateLimitExceeded, rateLimitHeaders, remainingOf } from './rate-limits.ts'
import type { RestCall } from './rest-call.ts'

export interface RestRequest {
  method: string
  /** whole, without `/api/v3` */
  url: URL
  addresses: Addresses
  headers: { accept?: string | undefined; authorization?: string | undefined; etag?: string | undefined }
  body: string
}

/** An answer of the REST API, and who got it; nobody known when the credentials were refused. */
export interface RestOutcome {
  answer: Answer
  caller: Caller | undefined
}

/** Answers a request of GitHub's REST API: who asks, how often, what it needs, whether its body is valid, and then the operation itself. */
export async function answerRest(
  forge: Forge,
  request: RestRequest,
  hasSecondaryLimits: boolean,
): Promise<RestOutcome> {
  const caller = identify(forge, request.headers.authorization)
  if ('status' in caller)
    return { answer: counted(forge, { kind: 'anonymous' }, request, caller), caller: undefined }
  const route = ROUTES.find(
    ({ method, pattern }) => method === request.method && pattern.test(request.url.pathname),
  )
  if (route?.operation === 'rate-limit/get') {
    const answer = await perform(forge, caller, route, request)
    return { answer: withHeaders(answer, rateLimitHeaders(forge.limits.window(caller))), caller }
  }
  if (remainingOf(forge.limits.window(caller)) === 0)
    return { answer: counted(forge, caller, request, rateLimitExceeded(caller)), caller }
  const isTooFast = forge.pace.note(request.method, request.url.pathname, forge.clock.now()) !== undefined
  const answer =
    isTooFast && hasSecondaryLimits
      ? SECONDARY_LIMIT
      : route === undefined
        ? NOT_FOUND
        : await perform(forge, caller, route, request)
  return { answer: counted(forge, caller, request, answer), caller }
}

async function perform(forge: Forge, caller: Caller, route: Route, request: RestRequest): Promise<Answer> {
  const { operation, pattern } = route
  const parameters = parametersOf(pattern, request.url.pathname)
  const call: RestCall = {
    forge,
    caller,
    addresses: request.addresses,
    url: request.url,
    query: request.url.searchParams,
    accept: request.headers.accept ?? '',
    parameters,
    body: {},
  }
  const about = OF_REPOSITORIES[operation]
  if (about !== undefined) {
    const repository = findRepository(forge, `${parameters['owner']}/${parameters['repo']}`)
    if (repository === undefined) return NOT_FOUND
    const refused = whyNot(caller, repository, about.needs)
    if (refused !== undefined) return refused
    return withBody(operation, request, call, (valid) => about.answer({ ...valid, repository }))
  }
  const ofApp = OF_APPS[operation]
  if (ofApp !== undefined) {
    if (caller.kind !== 'app') return UNDECODABLE
    return withBody(operation, request, call, (valid) => ofApp({ ...valid, app: caller.app }))
  }
  const ofAnybody = OF_ANYBODY[operation]
  if (ofAnybody === undefined) return NOT_FOUND
  if (operation.startsWith('apps/list') && caller.kind !== 'token') return REQUIRES_AUTHENTICATION
  return withBody(operation, request, call, ofAnybody)
}

async function withBody(
  operation: string,
  request: RestRequest,
  call: RestCall,
  answer: (call: RestCall) => Promise<Answer>,
): Promise<Answer> {
  let body: unknown
  try {
    body = request.body === '' ? {} : JSON.parse(request.body)
  } catch {
    return UNPARSABLE
  }
  const faults = faultsOfBody(operation, body)
  if (faults.length > 0) return refusal(422, `Invalid request.\n\n${faults.join('\n')}`)
  return answer({ ...call, body: body as Record<string, unknown> })
}

function parametersOf(pattern: RegExp, path: string): Record<string, string> {
  const groups = pattern.exec(path)?.groups ?? {}
  return Object.fromEntries(
    Object.entries(groups)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, decodeURIComponent(value)]),
  )
}

/**
 * The answer with its tag and the state of the caller's limit; Not Modified when the caller has it already, which does not count.
 * Source: GitHub REST API, "Best practices for using the REST API", conditional requests: not counted when authorized.
 */
function counted(forge: Forge, caller: Caller, request: RestRequest, answer: Answer): Answer {
  const window = forge.limits.window(caller)
  const tag = tagOf(request.method, answer)
  const isKnown = tag !== undefined && request.headers.etag?.replace(/^W\//, '') === tag
  if (!isKnown || caller.kind === 'anonymous') window.used = Math.min(window.limit, window.used + 1)
  const headers = { ...rateLimitHeaders(window), ...(tag === undefined ? {} : { etag: tag }) }
  return withHeaders(isKnown ? { status: 304 } : answer, headers)
}

function tagOf(method: string, { status, body }: Answer): string | undefined {
  if (method !== 'GET' || status !== 200) return undefined
  return `"${createHash('sha256').update(JSON.stringify(body)).digest('hex')}"`
}

function withHeaders(answer: Answer, headers: Record<string, string>): Answer {
  return { ...answer, headers: { ...answer.headers, ...headers } }
}
