import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as z from 'zod/mini'
import { HearthError } from '../shared/errors.ts'

// Either one opens the door, so neither may be short enough to guess.
const Secret = z.string().check(z.minLength(16))
const WebhookSecret = z.object({ current: Secret, previous: z.optional(Secret) })
export type WebhookSecret = z.output<typeof WebhookSecret>

export class InvalidWebhookSecret extends HearthError {
  override name = 'InvalidWebhookSecret'
}

// 5 minutes: a rotated secret is known everywhere that soon, and the one before it is accepted meanwhile.
const KEEP_MS = 5 * 60 * 1000

/** Reads the webhook secret, and reads it again only after five minutes. */
export function webhookSecretReader(secrets: SecretsManagerClient, id: string, now: () => number = Date.now) {
  let kept: { secret: WebhookSecret; until: number } | undefined
  return async (): Promise<WebhookSecret> => {
    if (kept !== undefined && now() < kept.until) return kept.secret
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: id }))
    kept = { secret: parseWebhookSecret(SecretString ?? ''), until: now() + KEEP_MS }
    return kept.secret
  }
}

function parseWebhookSecret(text: string): WebhookSecret {
  // The text itself is never part of a message.
  const wrong = new InvalidWebhookSecret(
    'the webhook secret must be JSON of the form {"current": "…", "previous": "…"}: at least 16 characters each, and "previous" only while both are in use',
  )
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw wrong
  }
  const parsed = z.safeParse(WebhookSecret, document)
  if (!parsed.success) throw wrong
  return parsed.data
}
