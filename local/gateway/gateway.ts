import { createHash } from 'node:crypto'
import { createServer, IncomingMessage, type Server, type ServerResponse } from 'node:http'
import {
  createCall,
  DeniedByPolicy,
  type AuthorizationRecord,
  type DeniedCall,
  type PolicySource,
} from './authorization.ts'
import type { CredentialStore } from './credentials.ts'
import { answerError, type GatewayError } from './error-answer.ts'
import { BodyTooLarge, readBody } from './request-body.ts'
import { AccessDenied, type Caller, type Service } from './service.ts'
import { SignatureError } from './sigv4-errors.ts'
import { checkPayloadHash } from './sigv4-payload.ts'
import { isSigned, verifySignature } from './sigv4.ts'

/** What answers unsigned requests below a path, such as an HTTP API. */
export type UnsignedHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
) => Promise<void>

export interface Gateway extends AuthorizationRecord {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string
  register(service: Service): void
  /** Sends unsigned requests below `/<prefix>/` to `handler`. No prefix can be a bucket: use an underscore, which bucket names cannot have. */
  route(prefix: string, handler: UnsignedHandler): void
  /** Stops listening and ends open connections; the services are closed by whoever made them. */
  close(): Promise<void>
}

export interface GatewayOptions {
  /** 0: any free one */
  port: number
  credentials: CredentialStore
  policies: PolicySource
  onDenied: (denied: DeniedCall) => void
  /** hears of errors that no service meant to answer */
  onError: (error: unknown, request: { method: string; url: string }) => void
}

/** S3 reads its bodies itself, as they come. Nothing else takes more than Lambda's 6 MB, which Lambda refuses in its own words. */
const BODY_LIMIT = 16 << 20

/** One HTTP server for every emulated service, found by the service name in the credential scope of the request's signature. */
export async function startGateway({
  port,
  credentials,
  policies,
  onDenied,
  onError,
}: GatewayOptions): Promise<Gateway> {
  const services = new Map<string, Service>()
  const routes = new Map<string, UnsignedHandler>()
  const record: AuthorizationRecord = { denied: [], calls: new Map() }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const name = isSigned(request) ? claimedService(request) : 's3'
    try {
      if (!isSigned(request) && (await handleRoute(routes, request, response))) return
      const service = services.get(name)
      if (service === undefined)
        return answerError(response, name, unknownService(name, [...services.keys()]))
      const [authentic, caller] = isSigned(request)
        ? await authenticate(request, name, credentials)
        : [request, { kind: 'anonymous' } as const]
      const from = { sourceIp: request.socket.remoteAddress ?? '', userAgent: request.headers['user-agent'] }
      await service.handle(authentic, response, createCall(caller, from, policies, record))
    } catch (error) {
      if (error instanceof DeniedByPolicy) {
        record.denied.push(error.denied)
        onDenied(error.denied)
      }
      const answer = describe(error)
      if (answer.status === 500) onError(error, { method: request.method ?? '', url: request.url ?? '' })
      answerError(response, name, answer)
    }
  }

  const server = createServer((request, response) => void handle(request, response))
  // A build or a laptop may stream a NAR for longer than Node's five minutes.
  server.requestTimeout = 0
  // Nor are idle connections closed: a client on a busy machine asks on one in the moment in which that happens, and hears ECONNRESET.
  server.keepAliveTimeout = 0
  await listen(server, port)
  return {
    ...record,
    endpoint: `http://127.0.0.1:${portOf(server)}`,
    register: (service) => void services.set(service.name, service),
    route: (prefix, handler) => void routes.set(prefix, handler),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port')
  return address.port
}

export function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
}

async function handleRoute(
  routes: Map<string, UnsignedHandler>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const match = /^\/([^/?]+)(\/.*)?$/.exec(request.url ?? '')
  const handler = routes.get(match?.[1] ?? '')
  if (handler === undefined) return false
  await handler(request, response, match?.[2] ?? '/')
  return true
}

/** The service that the credential scope names, before anything is believed: the signature covers it. */
function claimedService(request: IncomingMessage): string {
  const credential =
    /Credential=([^,\s]+)/.exec(request.headers.authorization ?? '')?.[1] ??
    new URL(request.url ?? '/', 'http://local').searchParams.get('X-Amz-Credential') ??
    ''
  return credential.split('/')[3] ?? ''
}

async function authenticate(
  request: IncomingMessage,
  service: string,
  credentials: CredentialStore,
): Promise<[IncomingMessage, Caller]> {
  if (service === 's3') {
    const { accessKeyId } = verifySignature(request, credentials.lookup)
    return [request, callerOf(accessKeyId, credentials)]
  }
  const body = await readBody(request, BODY_LIMIT)
  const payloadHash = createHash('sha256').update(body).digest('hex')
  const verified = verifySignature(request, credentials.lookup, { payloadHash })
  checkPayloadHash(verified.payloadHash, payloadHash)
  return [withBody(request, body), callerOf(verified.accessKeyId, credentials)]
}

function callerOf(accessKeyId: string, credentials: CredentialStore): Caller {
  return credentials.lookup(accessKeyId)?.caller ?? { kind: 'anonymous' }
}

/** The same request, with its body still to be read: a service must not notice that its signature was checked first. */
function withBody(request: IncomingMessage, body: Buffer): IncomingMessage {
  const replay = new IncomingMessage(request.socket)
  Object.assign(replay, {
    method: request.method,
    url: request.url,
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    httpVersion: request.httpVersion,
    complete: true,
  })
  replay.push(body)
  replay.push(null)
  return replay
}

function unknownService(name: string, known: string[]): GatewayError {
  const message = `the local stack has no service "${name}"; it has ${known.join(', ')}`
  return { status: 400, code: 'InvalidAction', type: 'UnknownOperationException', message }
}

/** What other services than S3 call a signature that does not hold. Source: AWS general reference, "Common errors". */
const SIGNATURE_ERROR_TYPES: Record<string, string> = {
  InvalidAccessKeyId: 'UnrecognizedClientException',
  InvalidToken: 'UnrecognizedClientException',
  MissingSecurityHeader: 'MissingAuthenticationTokenException',
  AuthorizationHeaderMalformed: 'IncompleteSignatureException',
}

function describe(error: unknown): GatewayError {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof AccessDenied)
    return { status: 403, code: 'AccessDenied', type: 'AccessDeniedException', message }
  if (error instanceof SignatureError) {
    const type = SIGNATURE_ERROR_TYPES[error.name] ?? 'InvalidSignatureException'
    return { status: error.status, code: error.name, type, message }
  }
  if (error instanceof BodyTooLarge)
    return { status: 413, code: 'EntityTooLarge', type: 'RequestEntityTooLargeException', message }
  return { status: 500, code: 'InternalError', type: 'InternalFailure', message }
}
