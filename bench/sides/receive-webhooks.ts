import type { APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda'
import { measureRounds } from './delivery-rounds.ts'

/**
 * The webhook's own handler, called as Lambda calls it, with Step Functions and Secrets Manager answered by a server elsewhere. Prints what it logs, and in the last
 * line what it took. Arguments: the deliveries' file.
 */
const [file = ''] = process.argv.slice(2)
const webhook = await import('../../functions/webhook/index.ts')
// Lambda gives an event and a context, and nothing else
const handler = webhook.handler as unknown as (
  event: unknown,
  context: unknown,
) => Promise<APIGatewayProxyStructuredResultV2>

const context = {
  functionName: 'webhook',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:webhook',
  memoryLimitInMB: '512',
  awsRequestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
} satisfies Partial<Context>

const times = await measureRounds(file, async ({ headers, body }) => {
  const request = { version: '2.0', routeKey: 'POST /github', rawPath: '/github', rawQueryString: '' }
  const event = { ...request, headers, body, isBase64Encoded: false }
  const result = await handler(event, context)
  const isPush = headers['x-github-event'] === 'push'
  return result.statusCode === 202 && (!isPush || result.body?.includes('"started":true') === true)
})
process.stdout.write(`${JSON.stringify(times)}\n`)
