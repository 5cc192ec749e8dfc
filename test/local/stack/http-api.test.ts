import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { fn, role, startTestStack, type Resources, type TestStack } from './test-stack.ts'

/** The event itself as the answer. */
const ECHO = 'export const handler = async (event) => ({ statusCode: 200, body: JSON.stringify(event) })'

function api(code: string, properties: Record<string, unknown> = {}): Resources {
  return {
    Role: role(),
    F: fn(code, properties),
    Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'api', ProtocolType: 'HTTP' } },
    Stage: {
      Type: 'AWS::ApiGatewayV2::Stage',
      Properties: { ApiId: { Ref: 'Api' }, StageName: '$default', AutoDeploy: true },
    },
    Integration: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: {
        ApiId: { Ref: 'Api' },
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: { 'Fn::GetAtt': ['F', 'Arn'] },
        PayloadFormatVersion: '2.0',
      },
    },
    Route: {
      Type: 'AWS::ApiGatewayV2::Route',
      Properties: {
        ApiId: { Ref: 'Api' },
        RouteKey: 'POST /github',
        Target: { 'Fn::Join': ['/', ['integrations', { Ref: 'Integration' }]] },
      },
    },
    Permission: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        FunctionName: { 'Fn::GetAtt': ['F', 'Arn'] },
        Action: 'lambda:InvokeFunction',
        Principal: 'apigateway.amazonaws.com',
        SourceArn: {
          'Fn::Sub': 'arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*',
        },
      },
    },
  }
}

interface Answer {
  status: number
  headers: Headers
  text: string
}

async function post(
  { stack }: TestStack,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
  path = '/github',
): Promise<Answer> {
  const response = await fetch(stack.api + path, {
    method: 'POST',
    body,
    headers: { 'content-type': '', ...headers },
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

test('a function gets payload format 2.0', async () => {
  const started = await startTestStack(api(ECHO))
  const { text } = await post(
    started,
    '{"a": 1}',
    { 'content-type': 'application/json', cookie: 'x=1; y=2', 'x-hub-signature-256': 'sha256=abc' },
    '/github?b=1&b=2&c=%C3%BC',
  )
  expect(JSON.parse(text)).toMatchObject({
    version: '2.0',
    routeKey: 'POST /github',
    rawPath: '/github',
    rawQueryString: 'b=1&b=2&c=%C3%BC',
    queryStringParameters: { b: '1,2', c: 'ü' },
    cookies: ['x=1', 'y=2'],
    headers: { 'content-type': 'application/json', 'x-hub-signature-256': 'sha256=abc' },
    requestContext: {
      accountId: '123456789012',
      apiId: started.stack.physicalId('Api'),
      stage: '$default',
      routeKey: 'POST /github',
      http: { method: 'POST', path: '/github', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1' },
    },
    body: '{"a": 1}',
    isBase64Encoded: false,
  })
})

describe('the body arrives to the byte', () => {
  const latin1 = new Uint8Array([0x22, 0xe9, 0x22])
  test.each<[string, string | Uint8Array<ArrayBuffer>, Record<string, string>, boolean]>([
    ['JSON, with its spaces', '{ "ü":\t1 }\r\n', { 'content-type': 'application/json' }, false],
    ['JSON of a vendor', '{}', { 'content-type': 'application/vnd.github+json; charset=utf-8' }, false],
    ['text', 'a\u0000b', { 'content-type': 'text/plain' }, false],
    ['a form', 'payload=%7B%7D', { 'content-type': 'application/x-www-form-urlencoded' }, true],
    ['bytes', new Uint8Array([0, 255, 1]), { 'content-type': 'application/octet-stream' }, true],
    [
      'compressed',
      new Uint8Array([31, 139, 8]),
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      true,
    ],
    ['no UTF-8, whatever the type says', latin1, { 'content-type': 'application/json' }, true],
    ['of no type', '{}', {}, false],
  ])('%s', async (_, body, headers, isBase64Encoded) => {
    const started = await startTestStack(api(ECHO))
    const event: { body: string; isBase64Encoded: boolean } = JSON.parse(
      (await post(started, body, headers)).text,
    )
    expect(event.isBase64Encoded).toBe(isBase64Encoded)
    const bytes = Buffer.from(event.body, isBase64Encoded ? 'base64' : 'utf8')
    expect(bytes.equals(Buffer.from(body))).toBe(true)
  })
})

describe('what a function returns becomes the response', () => {
  test.each<[string, string, Partial<Answer>, Record<string, string>]>([
    [
      'status, headers and body',
      '{ statusCode: 202, headers: { "X-A": "b" }, body: "accepted" }',
      { status: 202, text: 'accepted' },
      { 'x-a': 'b', 'content-type': 'text/plain;charset=UTF-8' },
    ],
    [
      'cookies',
      '{ statusCode: 200, cookies: ["a=1", "b=2"] }',
      { status: 200, text: '' },
      { 'set-cookie': 'a=1, b=2' },
    ],
    [
      'a body in base64',
      '{ statusCode: 200, body: "aGVsbG8=", isBase64Encoded: true }',
      { text: 'hello' },
      {},
    ],
    [
      'anything else, as JSON',
      '{ hello: "world" }',
      { status: 200, text: '{"hello":"world"}' },
      { 'content-type': 'application/json' },
    ],
  ])('%s', async (_, result, expected, headers) => {
    const started = await startTestStack(api(`export const handler = async () => (${result})`))
    const answer = await post(started, '')
    expect(answer).toMatchObject(expected)
    for (const [name, value] of Object.entries(headers)) expect(answer.headers.get(name)).toBe(value)
  })
})

const megabytes = (count: number): string => 'x'.repeat(count * 1024 * 1024)

describe('what goes wrong', () => {
  const text = { 'content-type': 'text/plain' }

  test.each<[string, string, Record<string, unknown>, string, string, number, string]>([
    ['no such route', ECHO, {}, '/other', '', 404, '{"message":"Not Found"}'],
    [
      'the function throws',
      'export const handler = async () => { throw new Error("secret detail") }',
      {},
      '/github',
      '',
      500,
      '{"message":"Internal Server Error"}',
    ],
    [
      'the function is too slow for itself',
      'export const handler = () => new Promise(() => setInterval(() => {}, 1000))',
      { Timeout: 1 },
      '/github',
      '',
      500,
      '{"message":"Internal Server Error"}',
    ],
    [
      'a body above 10 MB',
      ECHO,
      {},
      '/github',
      `${megabytes(10)}x`,
      413,
      '{"message":"Request Entity Too Large"}',
    ],
    [
      'a body above Lambda’s 6 MB',
      ECHO,
      {},
      '/github',
      megabytes(6),
      413,
      '{"message":"Request Entity Too Large"}',
    ],
  ])('%s', async (_, code, properties, path, body, status, message) => {
    const started = await startTestStack(api(code, properties))
    expect(await post(started, body, text, path)).toMatchObject({ status, text: message })
  })

  test('a body just below 6 MB is taken', async () => {
    const started = await startTestStack(
      api('export const handler = async ({ body }) => ({ statusCode: 200, body: String(body.length) })'),
    )
    expect(await post(started, megabytes(5.9), text)).toMatchObject({
      status: 200,
      text: String(megabytes(5.9).length),
    })
  })

  test('the integration’s time-out', async () => {
    const resources = api('export const handler = () => new Promise((resolve) => setTimeout(resolve, 20000))')
    Object.assign(Object(resources['Integration']?.['Properties']), { TimeoutInMillis: 500 })
    expect(await post(await startTestStack(resources), '')).toMatchObject({
      status: 503,
      text: '{"message":"Service Unavailable"}',
    })
  })

  test('an API that no permission lets invoke the function', async () => {
    const { Permission: _, ...resources } = api(ECHO)
    expect(await post(await startTestStack(resources), '')).toMatchObject({ status: 500 })
  })

  test('a sender that gives up leaves the API working', async () => {
    const started = await startTestStack(api(ECHO))
    const half = request(`${started.stack.api}/github`, {
      method: 'POST',
      headers: { 'content-length': '100' },
    })
    await new Promise((resolve) => {
      half.once('close', resolve)
      half.on('error', () => {})
      half.write('half', () => half.destroy())
    })
    expect(await post(started, '{}')).toMatchObject({ status: 200 })
    expect(started.events.filter(({ kind }) => kind === 'function-log')).toEqual([])
  })
})
