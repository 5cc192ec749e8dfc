import type { Context } from 'aws-lambda'
import { vi } from 'vitest'

/** What Lambda tells a function about itself. */
export const context: Context = {
  callbackWaitsForEmptyEventLoop: false,
  functionName: 'function-under-test',
  functionVersion: '1',
  invokedFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:function-under-test',
  memoryLimitInMB: '256',
  awsRequestId: '6bc28136-xmpl-4365-b021-0ce6b2e64ab0',
  logGroupName: '/aws/lambda/function-under-test',
  logStreamName: 'stream',
  getRemainingTimeInMillis: () => 30_000,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
}

/** Everything that is written to standard output and standard error from now on: a function's whole log. */
export function captureLog(): { text(): string } {
  const pieces: string[] = []
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((piece) => {
      pieces.push(typeof piece === 'string' ? piece : Buffer.from(piece).toString('utf8'))
      return true
    })
  return { text: () => pieces.join('') }
}

/** What the SDK gives of a function's answer. */
export function payloadOf(answer: object): Uint8Array & { transformToString: () => string } {
  const text = JSON.stringify(answer)
  return Object.assign(new TextEncoder().encode(text), { transformToString: () => text })
}
