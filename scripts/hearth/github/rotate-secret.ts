import { randomBytes } from 'node:crypto'
import type { Deployment } from '../deployment.ts'
import { askAccess } from './ask-access.ts'
import { forgetPreviousSecret, replaceWebhookSecret } from './stored-secrets.ts'

/**
 * `hearth github rotate-secret`: a new secret, while deliveries signed with the one before it are taken, too. Nobody but the functions that make tokens could tell GitHub
 * in the App's name, so a person does: hence it is printed, once.
 */
export async function rotateSecret(
  deployment: Deployment,
  json: boolean,
  say: (line: string) => void,
): Promise<void> {
  const { credentials } = await askAccess(deployment)
  const secret = randomBytes(32).toString('hex')
  await replaceWebhookSecret(deployment, secret, false)
  const where =
    credentials === 'app'
      ? "the App's page, General, Webhook secret"
      : "every repository's Settings, Webhooks, Edit, Secret"
  if (json) say(JSON.stringify({ secret, where }))
  else
    say(`${secret}
Paste it into ${where}. Deliveries are checked with it and with the one before it, so none is lost meanwhile.
Wait 10 seconds first: then the webhook function looks for another secret when a signature does not fit. When GitHub has the new one: hearth github rotate-secret --finish`)
}

/** `hearth github rotate-secret --finish`: what is signed with the secret before the current one is refused from now on. */
export async function finishRotation(
  deployment: Deployment,
  json: boolean,
  say: (line: string) => void,
): Promise<void> {
  const forgotten = await forgetPreviousSecret(deployment)
  if (json) say(JSON.stringify({ forgotten }))
  else
    say(
      forgotten
        ? 'The secret before the current one is forgotten; within 5 minutes every webhook function knows.'
        : 'There was none before the current one.',
    )
}
