import { Buffer } from 'node:buffer'
import { InvokeCommand, LambdaClient, type InvokeCommandOutput } from '@aws-sdk/client-lambda'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Stack } from '../../../local/stack/start-stack.ts'
import { fn, processesOf, role, startTestStack, until, type TestStack } from './test-stack.ts'

function clientOf(stack: Stack): LambdaClient {
  const client = new LambdaClient({
    endpoint: stack.endpoint,
    region: 'us-east-1',
    credentials: stack.operator,
    maxAttempts: 1,
  })
  onTestFinished(() => client.destroy())
  return client
}

/** Invokes a function of its own stack, with an event. */
async function invoke(
  code: string,
  event: unknown = {},
  properties: Record<string, unknown> = {},
): Promise<InvokeCommandOutput & { json: unknown; started: TestStack }> {
  const started = await startTestStack({ Role: role(), F: fn(code, properties) })
  const output = await clientOf(started.stack).send(
    new InvokeCommand({
      FunctionName: started.stack.physicalId('F'),
      Payload: JSON.stringify(event),
      LogType: 'Tail',
    }),
  )
  return { ...output, started, json: JSON.parse(Buffer.from(output.Payload ?? []).toString()) }
}

describe('what a function returns', () => {
  test.each<[string, string, unknown, unknown]>([
    ['its event', 'export const handler = async (event) => event', { a: ['ü'] }, { a: ['ü'] }],
    ['nothing', 'export const handler = async () => {}', {}, null],
    ['a value that is no promise', 'export const handler = () => 7', {}, 7],
  ])('%s', async (_, code, event, expected) => {
    const { json, FunctionError, StatusCode } = await invoke(code, event)
    expect({ json, FunctionError, StatusCode }).toEqual({
      json: expected,
      FunctionError: undefined,
      StatusCode: 200,
    })
  })
})

describe('a function that fails', () => {
  test.each<[string, string, Record<string, unknown>, { errorType: string; errorMessage: unknown }]>([
    [
      'throws',
      'export const handler = async () => { throw new TypeError("no") }',
      {},
      { errorType: 'TypeError', errorMessage: 'no' },
    ],
    [
      'throws an error with a name of its own',
      'class Mine extends Error { name = "InvalidNarInfo" }\nexport const handler = async () => { throw new Mine("bad") }',
      {},
      { errorType: 'InvalidNarInfo', errorMessage: 'bad' },
    ],
    [
      'rejects elsewhere',
      'export const handler = () => { Promise.reject(new Error("stray")); return new Promise(() => {}) }',
      {},
      { errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: 'stray' },
    ],
    [
      'exits',
      'export const handler = async () => process.exit(3)',
      {},
      {
        errorType: 'Runtime.ExitError',
        errorMessage: expect.stringMatching(
          /^RequestId: \S+ Error: Runtime exited with error: exit status 3$/,
        ),
      },
    ],
    [
      'is killed',
      'export const handler = async () => { process.kill(process.pid, "SIGKILL"); await new Promise(() => {}) }',
      {},
      { errorType: 'Runtime.ExitError', errorMessage: expect.stringContaining('signal: SIGKILL') },
    ],
    [
      'takes too long',
      'export const handler = () => new Promise(() => setInterval(() => {}, 1000))',
      { Timeout: 1 },
      {
        errorType: 'Sandbox.Timedout',
        errorMessage: expect.stringMatching(/^RequestId: \S+ Error: Task timed out after 1\.00 seconds$/),
      },
    ],
    [
      'never yields',
      'export const handler = () => { for (;;) {} }',
      { Timeout: 1 },
      {
        errorType: 'Sandbox.Timedout',
        errorMessage: expect.stringContaining('timed out after 1.00 seconds'),
      },
    ],
    [
      'cannot be loaded',
      'throw new RangeError("while loading")',
      {},
      { errorType: 'RangeError', errorMessage: 'while loading' },
    ],
    [
      'has another handler',
      'export const other = 1',
      {},
      { errorType: 'Runtime.HandlerNotFound', errorMessage: 'index.handler is undefined or not exported' },
    ],
    [
      'returns more than 6 MB',
      'export const handler = async () => "x".repeat(6291556)',
      {},
      {
        errorType: 'Function.ResponseSizeTooLarge',
        errorMessage: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
      },
    ],
  ])('%s', async (_, code, properties, error) => {
    const { json, FunctionError, StatusCode, started } = await invoke(code, {}, properties)
    expect(json).toMatchObject(error)
    expect({ FunctionError, StatusCode }).toEqual({ FunctionError: 'Unhandled', StatusCode: 200 })
    // the next event finds a working instance or a new one
    const again = await started.stack.invoke('F', {})
    expect(JSON.parse(again.payload)).toMatchObject({ errorType: error.errorType })
  })
})

test('the environment is the function’s own and nothing of this machine', async () => {
  process.env['HEARTH_TEST_SECRET'] = 'of the host'
  onTestFinished(() => void delete process.env['HEARTH_TEST_SECRET'])
  const { json, started } = await invoke(
    'export const handler = async () => process.env',
    {},
    { environment: { BUCKET: 'b' }, MemorySize: 256 },
  )
  expect(Object.keys(Object(json)).sort()).toEqual([
    'AWS_ACCESS_KEY_ID',
    'AWS_DEFAULT_REGION',
    'AWS_ENDPOINT_URL',
    'AWS_EXECUTION_ENV',
    'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
    'AWS_LAMBDA_FUNCTION_NAME',
    'AWS_LAMBDA_FUNCTION_VERSION',
    'AWS_LAMBDA_INITIALIZATION_TYPE',
    'AWS_LAMBDA_LOG_GROUP_NAME',
    'AWS_LAMBDA_LOG_STREAM_NAME',
    'AWS_REGION',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
    'BUCKET',
    'HEARTH_LOCAL_INSTANCE',
    'LAMBDA_TASK_ROOT',
    'LANG',
    'PATH',
    'TMPDIR',
    'TZ',
    '_HANDLER',
  ])
  expect(json).toMatchObject({
    BUCKET: 'b',
    AWS_LAMBDA_FUNCTION_NAME: started.stack.physicalId('F'),
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
    AWS_ENDPOINT_URL: started.stack.endpoint,
  })
})

test('the context says what Lambda’s says', async () => {
  const code = `export const handler = async (event, context) => ({ ...context, left: context.getRemainingTimeInMillis() })`
  const { json, started } = await invoke(code)
  const name = started.stack.physicalId('F')
  expect(json).toMatchObject({
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:123456789012:function:${name}`,
    memoryLimitInMB: '128',
    awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    logGroupName: `/aws/lambda/${name}`,
  })
  const { left } = Object(json)
  expect(left > 0 && left <= 30_000).toBe(true)
})

test('the log’s tail comes with the answer, whole, and the log is kept', async () => {
  const { LogResult, started } = await invoke(
    'export const handler = async () => { console.log("to stdout"); console.error("to stderr"); process.stdout.write("no newline") }',
  )
  const tail = Buffer.from(LogResult ?? '', 'base64').toString()
  expect(tail.split('\n').slice(0, -1).sort()).toEqual(['no newline', 'to stderr', 'to stdout'])
  expect(tail).toMatch(/\nREPORT RequestId: \S+\tDuration: .* ms\tMemory Size: 128 MB$/)
  const logged = started.events.flatMap((event) => (event.kind === 'function-log' ? event.lines : []))
  expect(logged.sort()).toEqual(['no newline', 'to stderr', 'to stdout'])
})

test('one instance takes one event at a time, and is kept warm for the next', async () => {
  const code = `let count = 0
export const handler = async ({ wait }) => { count += 1; await new Promise((resolve) => setTimeout(resolve, wait)); return { pid: process.pid, count } }`
  const { stack } = await startTestStack({ Role: role(), F: fn(code) })
  const call = async (wait: number): Promise<{ pid: number; count: number }> =>
    JSON.parse((await stack.invoke('F', { wait })).payload)
  const first = await call(0)
  expect(await call(0)).toEqual({ pid: first.pid, count: 2 })
  const [left, right] = await Promise.all([call(300), call(300)])
  expect(left.pid).not.toBe(right.pid)
})

function isReaped(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}

test('an instance that ends while it is idle costs nobody an event', async () => {
  const code = `export const handler = async () => { setTimeout(() => process.exit(1), 10); return process.pid }`
  const { stack } = await startTestStack({ Role: role(), F: fn(code) })
  const first = Number((await stack.invoke('F', {})).payload)
  // until the stack itself has heard of it
  await until(() => (isReaped(first) ? true : undefined))
  const { payload, functionError } = await stack.invoke('F', {})
  expect(functionError).toBeUndefined()
  expect(Number(payload)).not.toBe(first)
})

test('reserved concurrency throttles', async () => {
  const { stack } = await startTestStack({
    Role: role(),
    F: fn('export const handler = () => new Promise((resolve) => setTimeout(resolve, 1000))', {
      ReservedConcurrentExecutions: 1,
    }),
  })
  const lambda = clientOf(stack)
  const invocation = (): Promise<unknown> =>
    lambda.send(new InvokeCommand({ FunctionName: stack.physicalId('F') }))
  const [one, two] = await Promise.allSettled([invocation(), invocation()])
  const refused = [one, two].filter((result) => result?.status === 'rejected')
  expect(refused).toMatchObject([
    { reason: { name: 'TooManyRequestsException', $metadata: { httpStatusCode: 429 } } },
  ])
})

describe('Invoke refuses', () => {
  test.each<[string, Partial<ConstructorParameters<typeof InvokeCommand>[0]>, string, number]>([
    ['a function that is not there', { FunctionName: 'nobody' }, 'ResourceNotFoundException', 404],
    ['a payload that is no JSON', { Payload: '{' }, 'InvalidRequestContentException', 400],
    ['more than 6 MB', { Payload: JSON.stringify('x'.repeat(6_291_456)) }, 'RequestTooLargeException', 413],
    [
      'an event of more than 256 KB',
      { InvocationType: 'Event', Payload: JSON.stringify('x'.repeat(262_144)) },
      'RequestTooLargeException',
      413,
    ],
  ])('%s', async (_, input, name, httpStatusCode) => {
    const { stack } = await startTestStack({ Role: role(), F: fn('export const handler = async () => 1') })
    const invocation = clientOf(stack).send(
      new InvokeCommand({ FunctionName: stack.physicalId('F'), ...input }),
    )
    await expect(invocation).rejects.toMatchObject({ name, $metadata: { httpStatusCode } })
  })
})

test('an event for which nobody waits: accepted, run, and its failure told', async () => {
  const { stack, events } = await startTestStack({
    Role: role(),
    F: fn(
      'export const handler = async ({ name }) => { console.log("ran", name); throw new Error("failed " + name) }',
    ),
  })
  const { StatusCode } = await clientOf(stack).send(
    new InvokeCommand({
      FunctionName: stack.attribute('F', 'Arn'),
      InvocationType: 'Event',
      Payload: '{"name":"x"}',
    }),
  )
  expect(StatusCode).toBe(202)
  const failure = await until(() => events.find(({ kind }) => kind === 'failure'))
  expect(failure).toMatchObject({ message: expect.stringContaining('failed x') })
})

test('close leaves no process, not even one that a function started', async () => {
  const code = `import { spawn } from 'node:child_process'
export const handler = async () => { spawn('sleep', ['1000'], { detached: true, stdio: 'inherit' }).unref(); return 1 }`
  const { stack, folder } = await startTestStack({ Role: role(), F: fn(code) })
  await stack.invoke('F', {})
  expect(await processesOf(folder)).toHaveLength(2)
  await stack.close()
  expect(await processesOf(folder)).toEqual([])
})
