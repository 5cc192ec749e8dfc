import { isUtf8 } from 'node:buffer'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SFNClient } from '@aws-sdk/client-sfn'
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import middy from '@middy/core'
import { verifyWithFallback } from '@octokit/webhooks-methods'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { requireEnvironment } from '../shared/environment.ts'
import { logger } from '../shared/lambda.ts'
import { executionName, startRun } from '../shared/start-run.ts'
import { readDelivery } from './delivery.ts'
import { type WebhookSecret, webhookSecretReader } from './secret.ts'

const sfn = new SFNClient({})
const secret = webhookSecretReader(new SecretsManagerClient({}), requireEnvironment('WEBHOOK_SECRET'))

// Lambda's own limit on a request is 6 MB with its envelope; a body above 5 MiB is refused while we can still say why.
const BODY_LIMIT = 5 * 1024 * 1024

/**
 * Webhook: checks GitHub's signature over the raw body and starts the run that a delivery asks for. 202 accepted (also politely ignored events), 400 what
 * cannot be read, 401 a signature that is missing or wrong, 413 a body that is too large.
 */
async function receive(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  const body = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8')
  if (body.length > BODY_LIMIT)
    return answer(413, { error: `the body has ${body.length} bytes, and at most ${BODY_LIMIT} are read` })
  const signature = event.headers['x-hub-signature-256']
  if (signature === undefined)
    return answer(401, { error: 'the header X-Hub-Signature-256 is missing: set a secret for the webhook' })
  const text = body.toString('utf8')
  // The signature is checked over text, which several bodies become when they are not UTF-8: one push could start many runs.
  if (!isUtf8(body) || !(await isSigned(text, signature)))
    return answer(401, {
      error: 'the signature does not fit: is the secret of the webhook the one that Hearth has?',
    })

  const name = event.headers['x-github-event']
  if (name === undefined) return answer(400, { error: 'the header X-GitHub-Event is missing' })
  const delivery = readDelivery(name, event.headers['x-github-delivery'], text)
  const seen = { event: name, delivery: event.headers['x-github-delivery'], kind: delivery.kind }
  if ('warning' in delivery) logger.warn(delivery.warning, seen)
  else logger.info('delivery', seen)
  switch (delivery.kind) {
    case 'malformed':
      return answer(400, { error: delivery.reason })
    case 'ping':
      return answer(202, { pong: true })
    case 'ignored':
      return answer(202, { ignored: delivery.reason })
    case 'run': {
      const { input } = delivery
      const run = executionName(input.trigger, input.repository, body)
      const started = await startRun(sfn, requireEnvironment('WARM_STATE_MACHINE'), run, input)
      return answer(202, { run, [started]: true })
    }
  }
}

/** A secret that was changed a moment ago is read again before a signature is called wrong: GitHub delivers nothing twice by itself. */
async function isSigned(text: string, signature: string): Promise<boolean> {
  if (await fits(await secret.read(), text, signature)) return true
  const newer = await secret.readAgain()
  return newer !== undefined && fits(newer, text, signature)
}

function fits({ current, previous }: WebhookSecret, text: string, signature: string): Promise<boolean> {
  const older = previous === undefined ? [] : [previous]
  return verifyWithFallback(current, text, signature, older).catch(() => false)
}

function answer(statusCode: number, body: object): APIGatewayProxyStructuredResultV2 {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  .use(injectLambdaContext(logger, { resetKeys: true }))
  .handler(receive)
