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

// 5 minutes: so long a secret is accepted at most after it was taken out of `previous`.
const KEEP_MS = 5 * 60 * 1000
// 10 seconds: a storm of wrong signatures costs each instance six requests a minute.
const ASK_AGAIN_MS = 10 * 1000

export interface WebhookSecretReader {
  /** as it was read in the last five minutes */
  read: () => Promise<WebhookSecret>
  /** as it is now; undefined when it was asked for in the last ten seconds */
  readAgain: () => Promise<WebhookSecret | undefined>
}

/** Reads the webhook secret, and keeps what it read. */
export function webhookSecretReader(
  secrets: SecretsManagerClient,
  id: string,
  now: () => number = Date.now,
): WebhookSecretReader {
  let kept: { secret: WebhookSecret; until: number } | undefined
  let asked = 0
  const ask = async (): Promise<WebhookSecret> => {
    // also when there is no answer: what was read before stays good meanwhile
    asked = now()
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: id }))
    const secret = parseWebhookSecret(SecretString ?? '')
    kept = { secret, until: now() + KEEP_MS }
    return secret
  }
  return {
    read: async () => (kept !== undefined && now() < kept.until ? kept.secret : ask()),
    readAgain: async () => (now() - asked > ASK_AGAIN_MS ? ask() : undefined),
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
