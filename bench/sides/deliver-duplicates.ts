import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { paginateListExecutions, SFNClient } from '@aws-sdk/client-sfn'
import { REGION } from '../../local/gateway/service.ts'
import { signDelivery } from '../../local/github/push-webhook.ts'
import { startStack } from '../../local/stack/start-stack.ts'
import type { DeliveryEvent, DeliveryFile } from '../webhook-deliveries.ts'

/**
 * Brings up the packaged template on this machine, delivers one push (or one ping) very often through its HTTP API, and prints what came of it.
 * Arguments: a folder with the deliveries' file, the template, `push` or `ping`, how often, how many at once.
 */
const [folder = '', template = '', event = '', often = '', atOnce = ''] = process.argv.slice(2)
const deliveries = JSON.parse(readFileSync(join(folder, 'deliveries.json'), 'utf8')) as DeliveryFile

const stack = await startStack({ folder: join(folder, event), template })
try {
  const clients = { endpoint: stack.endpoint, region: REGION, credentials: stack.operator }
  const { SecretString = '{}' } = await new SecretsManagerClient(clients).send(
    new GetSecretValueCommand({ SecretId: stack.physicalId('WebhookSecret') }),
  )
  const secret = (JSON.parse(SecretString) as { current: string }).current
  const sign = async (name: string, { body }: DeliveryEvent): Promise<RequestInit> => ({
    method: 'POST',
    ...(await signDelivery(name, body, secret)),
  })
  const [ping, push] = [deliveries.pings[0], deliveries.examples.at(-1)]
  if (ping === undefined || push === undefined) throw new Error('the deliveries have no ping or no push')

  // Every instance of the function has started before anything counts: of the same push, many then arrive at the same moment.
  await deliver(await sign('ping', ping), Number(atOnce) * 4)
  const before = performance.now()
  const outcome = await deliver(await sign(event, event === 'push' ? push : ping), Number(often))
  const seconds = (performance.now() - before) / 1000
  let executions = 0
  const machine = { stateMachineArn: stack.physicalId('WarmStateMachine') }
  for await (const page of paginateListExecutions({ client: new SFNClient(clients) }, machine))
    executions += page.executions?.length ?? 0
  process.stdout.write(
    `${JSON.stringify({ ...outcome, executions, seconds, denied: stack.denied.length })}\n`,
  )
} finally {
  await stack.close()
}

/** Errors are answers other than 202, and deliveries that got none. */
async function deliver(
  request: RequestInit,
  times: number,
): Promise<{ started: number; duplicates: number; errors: number; firstError?: string }> {
  const outcome: Awaited<ReturnType<typeof deliver>> = { started: 0, duplicates: 0, errors: 0 }
  let left = times
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      try {
        const response = await fetch(`${stack.api}/github`, request)
        const text = await response.text()
        if (response.status !== 202) throw new Error(`${response.status} ${text}`)
        const said = JSON.parse(text) as { started?: boolean; duplicate?: boolean }
        if (said.started === true) outcome.started += 1
        if (said.duplicate === true) outcome.duplicates += 1
      } catch (error) {
        outcome.errors += 1
        outcome.firstError ??= String(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Number(atOnce) }, worker))
  return outcome
}
