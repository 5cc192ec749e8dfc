import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import * as z from 'zod/mini'
import { readBody } from '../gateway/request-body.ts'
import type { Functions } from '../lambda/functions.ts'
import type { Created } from './resource-type.ts'
import type { StackRecord } from './stack-record.ts'
import { TemplateError } from './template.ts'
import type { CustomResourceRequest, CustomResources } from './world.ts'

/** What a function sends to the ResponseURL. Source: CloudFormation user guide, "Custom resource response objects". */
const Answer = z.object({
  Status: z.enum(['SUCCESS', 'FAILED']),
  Reason: z.optional(z.string()),
  PhysicalResourceId: z.string(),
  StackId: z.string(),
  RequestId: z.string(),
  LogicalResourceId: z.string(),
  Data: z.optional(z.record(z.string(), z.unknown())),
})
type Answer = z.infer<typeof Answer>

/** Source: the same page. */
const ANSWER_LIMIT = 4096
/** Where the gateway takes the answers. */
export const RESPONSE_PREFIX = '_cloudformation'

export interface CustomResourceEndpoint extends CustomResources {
  /** Takes what a function PUTs to a ResponseURL. */
  handle(request: IncomingMessage, response: ServerResponse, path: string): Promise<void>
}

export interface CustomResourcesOptions {
  functions: Functions
  stackArn: string
  record: StackRecord
  /** the gateway's */
  endpoint: string
}

/** Sends custom resources' events to their functions, and waits for the answers. */
export function createCustomResources({
  functions,
  stackArn,
  record,
  endpoint,
}: CustomResourcesOptions): CustomResourceEndpoint {
  const waiting = new Map<string, (answer: unknown) => void>()

  const ask = async (event: Record<string, unknown>, request: CustomResourceRequest): Promise<Answer> => {
    const token = randomUUID()
    const answered = Promise.withResolvers<unknown>()
    waiting.set(token, (answer) => answered.resolve(answer))
    const timer = setTimeout(
      () =>
        answered.reject(
          new TemplateError(`${request.logicalId}: no answer within ${request.timeoutSeconds} seconds`),
        ),
      request.timeoutSeconds * 1000,
    )
    try {
      const ResponseURL = `${endpoint}/${RESPONSE_PREFIX}/${token}`
      const functionName = request.serviceToken.split(':').at(-1) ?? ''
      const invoked = functions.invoke(functionName, JSON.stringify({ ...event, ResponseURL }))
      // CloudFormation would wait for its time-out; here a function that failed without an answer ends the wait.
      const unanswered = async (): Promise<never> => {
        const { functionError, payload } = await invoked
        if (functionError !== undefined)
          throw new TemplateError(`${request.logicalId}: ${functionName} failed: ${payload}`)
        return new Promise(() => {})
      }
      return z.parse(Answer, await Promise.race([answered.promise, unanswered()]))
    } finally {
      clearTimeout(timer)
      waiting.delete(token)
    }
  }

  return {
    async request(request) {
      const { logicalId, type } = request
      const known = record.find(logicalId)
      const properties = stringified(request.properties)
      if (
        known?.customProperties !== undefined &&
        JSON.stringify(known.customProperties) === JSON.stringify(properties)
      )
        return { physicalId: known.physicalId, attributes: known.attributes }
      const RequestId = randomUUID()
      const answer = await ask(
        {
          RequestType: known === undefined ? 'Create' : 'Update',
          StackId: stackArn,
          RequestId,
          ResourceType: type,
          LogicalResourceId: logicalId,
          ResourceProperties: properties,
          ...(known === undefined
            ? {}
            : { PhysicalResourceId: known.physicalId, OldResourceProperties: known.customProperties ?? {} }),
        },
        request,
      )
      if (
        answer.RequestId !== RequestId ||
        answer.LogicalResourceId !== logicalId ||
        answer.StackId !== stackArn
      )
        throw new TemplateError(`${logicalId}: the answer is for another request`)
      if (answer.Status === 'FAILED')
        throw new TemplateError(`${logicalId}: ${answer.Reason ?? 'FAILED without a reason'}`)
      const created: Created & { attributes: Record<string, string> } = {
        physicalId: answer.PhysicalResourceId,
        attributes: flatStrings(answer.Data ?? {}),
      }
      record.save(logicalId, { type, ...created, customProperties: properties })
      return created
    },

    async handle(request, response, path) {
      const status = await take(request, waiting, path.slice(1))
      response.writeHead(status).end()
    },
  }
}

async function take(
  request: IncomingMessage,
  waiting: Map<string, (answer: unknown) => void>,
  token: string,
): Promise<number> {
  const body = await readBody(request, 1 << 20)
  // The real URL is signed for a PUT with an empty content type: anything else is a signature that does not match.
  if (request.method !== 'PUT' || (request.headers['content-type'] ?? '') !== '') return 403
  if (body.length > ANSWER_LIMIT) return 400
  const resolve = waiting.get(token)
  if (resolve === undefined) return 403
  resolve(JSON.parse(body.toString('utf8')))
  return 200
}

/** CloudFormation hands all scalars over as strings. Source: as above, "Custom resource request objects". */
function stringified(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return value.map(stringified)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, stringified(member)]))
}

function flatStrings(data: Record<string, unknown>): Record<string, string> {
  const strings: Record<string, string> = {}
  for (const [key, value] of Object.entries(data))
    strings[key] = typeof value === 'string' ? value : JSON.stringify(value)
  return strings
}
