import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isObject } from '../json-object.ts'
import { readBody } from './request-body.ts'
import type { Call, Service } from './service.ts'
import { AccessDenied } from './service.ts'

/** An error that a JSON service answers: `type` is its name in the service's model (`ResourceNotFoundException`). */
export class ServiceError extends Error {
  override name = 'ServiceError'
  readonly type: string
  readonly status: number
  constructor(type: string, message: string, status = 400) {
    super(message)
    this.type = type
    this.status = status
  }
}

export type JsonObject = Record<string, unknown>
/** One action of a service: its parsed input, and who asks. */
export type JsonAction = (input: JsonObject, call: Call) => Promise<JsonObject> | JsonObject

/** 1 MiB: far above what any action takes here, and small enough to hold in memory. */
const BODY_LIMIT = 1 << 20

/**
 * A service that speaks AWS JSON 1.1: POST /, the action in `X-Amz-Target: <prefix>.<Action>`.
 * Source: Smithy, "AWS JSON 1.1 protocol".
 */
export function jsonService(
  name: string,
  targetPrefix: string,
  actions: Record<string, JsonAction>,
  close: () => Promise<void> = async () => {},
): Service {
  return {
    name,
    close,
    async handle(request: IncomingMessage, response: ServerResponse, call: Call): Promise<void> {
      try {
        const action = findAction(name, targetPrefix, actions, String(request.headers['x-amz-target'] ?? ''))
        const output = await action(parseInput(await readBody(request, BODY_LIMIT)), call)
        answerJson(response, 200, output)
      } catch (error) {
        if (error instanceof AccessDenied) throw error
        if (!(error instanceof ServiceError)) throw error
        answerJson(response, error.status, { __type: error.type, message: error.message })
      }
    },
  }
}

export function answerJson(response: ServerResponse, status: number, body: JsonObject): void {
  const bytes = Buffer.from(JSON.stringify(body))
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.1',
    'content-length': bytes.length,
    'x-amzn-requestid': randomUUID(),
  })
  response.end(bytes)
}

function findAction(
  service: string,
  prefix: string,
  actions: Record<string, JsonAction>,
  target: string,
): JsonAction {
  const action = target.startsWith(`${prefix}.`) ? actions[target.slice(prefix.length + 1)] : undefined
  if (action === undefined)
    throw new ServiceError(
      'UnknownOperationException',
      `the local ${service} has no "${target}"; it has ${Object.keys(actions).join(', ')}`,
    )
  return action
}

function parseInput(body: Buffer): JsonObject {
  try {
    const input: unknown = JSON.parse(body.toString('utf8') || '{}')
    if (isObject(input)) return input
  } catch {
    // reported below together with well-formed JSON that is no object
  }
  throw new ServiceError('SerializationException', 'the body is no JSON object')
}

/**
 * A required or optional string of an action's input.
 * @throws ServiceError `ValidationException`
 */
export function stringField(input: JsonObject, field: string): string {
  const value = input[field]
  if (typeof value !== 'string' || value === '')
    throw new ServiceError('ValidationException', `${field} has to be a non-empty string`)
  return value
}

export function optionalString(input: JsonObject, field: string): string | undefined {
  return input[field] === undefined ? undefined : stringField(input, field)
}

/**
 * Refuses what is not emulated: a field that is silently ignored would work here and not on AWS, or the reverse.
 * @throws ServiceError `ValidationException`, naming the fields
 */
export function onlyFields(action: string, input: JsonObject, known: readonly string[]): void {
  const unknown = Object.keys(input).filter((field) => !known.includes(field))
  if (unknown.length > 0)
    throw new ServiceError('ValidationException', `the local ${action} does not know ${unknown.join(', ')}`)
}
