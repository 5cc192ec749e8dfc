import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readParcel } from '../../../functions/shared/parcel.ts'

/** An object of the double's S3. */
export interface StoredObject {
  bytes: Buffer
  type: string | undefined
  encoding: string | undefined
}

/** Who the builder of these tests is. */
export const USER_ID = 'AROAEXAMPLE:AWSCodeBuild-1'
/** Where the builder of these tests may write. */
export const PREFIX = `staging/${USER_ID}/`

/** What a machine said to a task. */
export interface TaskAnswer {
  token: string
  /** `SendTaskHeartbeat`, `SendTaskSuccess` or `SendTaskFailure` */
  action: string
  error?: string
  cause?: string
  output?: string
}

/**
 * S3, STS, Lambda and the task tokens of Step Functions, as far as a builder uses them, over HTTP for the unmodified SDK. It grants what a builder's role grants, and no more: objects are created below the
 * builder's own prefix of `staging`, only with `If-None-Match: *`, and never read from there; `state` and `cache` may be read.
 */
export class AwsDouble {
  readonly objects = new Map<string, StoredObject>()
  /** keys whose upload is refused */
  readonly broken = new Set<string>()
  readonly requests: string[] = []
  readonly answers: TaskAnswer[] = []
  /** what Lambda answers to a function's invocation: its payload, or what it throws */
  invoke: (payload: unknown) => { answer: unknown } | { errorType: string; errorMessage: string } = () => ({
    errorType: 'Unexpected',
    errorMessage: 'this test has no function',
  })
  /** where `staged` looks: all of the builder's prefix, or that of one batch */
  prefix = PREFIX
  #server: Server | undefined
  url = ''

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        response.statusCode = 500
        response.end(String(error))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }

  put(key: string, bytes: Buffer | string): void {
    this.objects.set(key, { bytes: Buffer.from(bytes), type: undefined, encoding: undefined })
  }

  /** What the builder staged, by its name below the prefix, by itself or in a parcel. */
  staged(name: string): Buffer {
    const bytes = this.#allStaged().get(name)
    if (bytes === undefined)
      throw new Error(`${name} is not staged; there are ${this.stagedNames().join(', ')}`)
    return bytes
  }

  stagedNames(): string[] {
    return [...this.#allStaged().keys()]
  }

  #allStaged(): Map<string, Buffer> {
    const start = `staging/${this.prefix}`
    const all = new Map<string, Buffer>()
    for (const [key, { bytes }] of this.objects) {
      if (!key.startsWith(start)) continue
      const name = key.slice(start.length)
      const [, within = '', number] = /^(.*\/)?parcels\/(\d+)$/.exec(name) ?? []
      if (number === undefined) all.set(name, bytes)
      else
        for (const [packed, { start: at, bytes: size }] of readParcel(bytes))
          all.set(within + packed, bytes.subarray(at, at + size))
    }
    return all
  }

  /** Forgets what was staged, as a new build has a new prefix. */
  clearStaging(): void {
    for (const key of this.objects.keys())
      if (key.startsWith(`staging/${this.prefix}`)) this.objects.delete(key)
  }

  /** What a builder's environment needs to reach this. */
  environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.url,
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'the-secret-of-the-builder',
      AWS_REGION: 'us-east-1',
      HEARTH_STATE_BUCKET: 'state',
      HEARTH_STAGING_BUCKET: 'staging',
      HEARTH_CACHE_BUCKET: 'cache',
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = decodeURIComponent((request.url ?? '').split('?', 1)[0] ?? '').slice(1)
    this.requests.push(`${request.method ?? ''} ${key}`)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const target = String(request.headers['x-amz-target'] ?? '').replace('AWSStepFunctions.', '')
    if (key.startsWith('2015-03-31/functions/')) {
      const said = this.invoke(JSON.parse(body.toString()))
      if (!('answer' in said)) response.setHeader('X-Amz-Function-Error', 'Unhandled')
      response.end(JSON.stringify('answer' in said ? said.answer : said))
    } else if (target !== '') {
      const { taskToken: token, ...said } = JSON.parse(body.toString()) as Record<string, string>
      this.answers.push({ token: token ?? '', action: target, ...said })
      response.setHeader('Content-Type', 'application/x-amz-json-1.0')
      response.end('{}')
    } else if (request.method === 'POST' && key === '') {
      const result = `<GetCallerIdentityResult><UserId>${USER_ID}</UserId></GetCallerIdentityResult>`
      response.setHeader('Content-Type', 'text/xml')
      response.end(`<GetCallerIdentityResponse>${result}</GetCallerIdentityResponse>`)
    } else if (request.method === 'PUT') this.#create(key, body, request, response)
    else this.#read(key, request, response)
  }

  #create(key: string, body: Buffer, request: IncomingMessage, response: ServerResponse): void {
    const { headers } = request
    if (!key.startsWith(`staging/${PREFIX}`) || headers['if-none-match'] !== '*') {
      return fail(response, 403, 'AccessDenied')
    }
    if (this.broken.has(key)) return fail(response, 400, 'InvalidRequest')
    if (this.objects.has(key)) return fail(response, 412, 'PreconditionFailed')
    const sha256 = headers['x-amz-checksum-sha256']
    if (sha256 !== undefined && sha256 !== createHash('sha256').update(body).digest('base64')) {
      return fail(response, 400, 'BadDigest')
    }
    this.objects.set(key, {
      bytes: body,
      type: headers['content-type'],
      encoding: headers['content-encoding'],
    })
    response.end()
  }

  #read(key: string, request: IncomingMessage, response: ServerResponse): void {
    const query = new URLSearchParams((request.url ?? '').split('?')[1])
    if (query.get('list-type') === '2') return this.#list(key, query.get('prefix') ?? '', response)
    if (!/^(state|cache)\//.test(key)) return fail(response, 403, 'AccessDenied')
    const object = this.objects.get(key)
    if (object === undefined) return fail(response, 404, 'NoSuchKey')
    response.setHeader('Content-Length', object.bytes.length)
    if (object.type !== undefined) response.setHeader('Content-Type', object.type)
    if (object.encoding !== undefined) response.setHeader('Content-Encoding', object.encoding)
    response.end(request.method === 'HEAD' ? undefined : object.bytes)
  }

  #list(bucket: string, prefix: string, response: ServerResponse): void {
    if (!/^state\/?$/.test(bucket) || !prefix.startsWith(`jobs/${USER_ID}/`))
      return fail(response, 403, 'AccessDenied')
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(`state/${prefix}`))
    const contents = keys.map((key) => `<Contents><Key>${key.slice('state/'.length)}</Key></Contents>`)
    response.setHeader('Content-Type', 'application/xml')
    response.end(`<ListBucketResult><Name>state</Name>${contents.join('')}</ListBucketResult>`)
  }
}

function fail(response: ServerResponse, status: number, code: string): void {
  response.statusCode = status
  response.setHeader('Content-Type', 'application/xml')
  response.end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`)
}
