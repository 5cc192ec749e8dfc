import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { handler as Handler } from '../../../../functions/install/index.ts'
import { serve } from '../http-server.ts'
import { captureLog, context } from '../lambda.ts'

interface Answered {
  method: string | undefined
  contentType: string | undefined
  body: Record<string, unknown>
}

/** CloudFormation's signed URL, and what was put there. */
async function cloudFormation(status = 200): Promise<{ url: string; answers: Answered[] }> {
  const answers: Answered[] = []
  const url = await serve((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
    })
    request.on('end', () => {
      const body = JSON.parse(text) as Record<string, unknown>
      answers.push({ method: request.method, contentType: request.headers['content-type'], body })
      response.writeHead(status).end()
    })
  })
  return { url: `${url}/signed?X-Amz-Signature=abc`, answers }
}

// CloudFormation user guide, "Custom resource request objects"
const event = (RequestType: string, ResponseURL: string) => ({
  RequestType,
  ResponseURL,
  StackId: 'arn:aws:cloudformation:eu-central-1:123456789012:stack/hearth/1',
  RequestId: 'request-1',
  ResourceType: 'Custom::Install',
  LogicalResourceId: 'Install',
  ResourceProperties: {},
})
const identity = {
  StackId: 'arn:aws:cloudformation:eu-central-1:123456789012:stack/hearth/1',
  RequestId: 'request-1',
  LogicalResourceId: 'Install',
  PhysicalResourceId: 'hearth-install',
}

let handler: typeof Handler
beforeEach(async () => {
  captureLog()
  ;({ handler } = await import('../../../../functions/install/index.ts'))
})
afterEach(() => {
  vi.restoreAllMocks()
})

describe('CloudFormation always gets an answer, or the deployment would hang for an hour', () => {
  test('when the stack is deleted: nothing is taken away', async () => {
    const { url, answers } = await cloudFormation()
    await handler(event('Delete', url), context)
    expect(answers).toEqual([
      { method: 'PUT', contentType: '', body: { ...identity, Status: 'SUCCESS', Data: {} } },
    ])
  })

  test('when there is nothing to install beside the function: the reason', async () => {
    const { url, answers } = await cloudFormation()
    await expect(handler(event('Create', url), context)).rejects.toThrow('builder.zip')
    expect(answers).toEqual([
      {
        method: 'PUT',
        contentType: '',
        body: {
          ...identity,
          Status: 'FAILED',
          Reason: expect.stringMatching(/^Error: ENOENT: .*builder\.zip/) as string,
        },
      },
    ])
  })

  test('and when it does not take it, the function fails', async () => {
    const { url } = await cloudFormation(403)
    await expect(handler(event('Delete', url), context)).rejects.toThrow(
      'CloudFormation did not take the answer: 403',
    )
  })
})
