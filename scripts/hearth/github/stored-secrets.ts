import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import * as z from 'zod/mini'
import { HearthError } from '../../../functions/shared/errors.ts'
import type { Deployment } from '../deployment.ts'

const WebhookSecret = z.object({ current: z.string(), previous: z.optional(z.string()) })

type Secrets = Pick<Deployment, 'secrets' | 'webhookSecret' | 'gitHubCredentials'>

/** Puts what Hearth shows GitHub where the functions that make tokens find it. Nobody else can read it from then on. */
export async function putCredentials(
  { secrets, gitHubCredentials }: Secrets,
  credentials: { appId: number; privateKey: string } | { token: string },
): Promise<void> {
  await secrets.send(
    new PutSecretValueCommand({ SecretId: gitHubCredentials, SecretString: JSON.stringify(credentials) }),
  )
}

/** Two secrets are the most that deliveries are checked with. */
export class RotationUnfinished extends HearthError {
  override name = 'RotationUnfinished'
}

/**
 * Deliveries are checked with this secret from now on, and with the one before it, until `forgetPreviousSecret`.
 * @param force although there is one before the current one, which GitHub may still sign with
 * @throws RotationUnfinished
 */
export async function replaceWebhookSecret(where: Secrets, secret: string, force: boolean): Promise<void> {
  const { current, previous } = await readWebhookSecret(where)
  if (previous !== undefined && !force)
    throw new RotationUnfinished(
      'there is a secret before the current one, and GitHub may still sign with it: give GitHub the current one, then `hearth github rotate-secret --finish`',
    )
  await putWebhookSecret(where, { current: secret, ...(current === undefined ? {} : { previous: current }) })
}

/** @returns whether there was one */
export async function forgetPreviousSecret(where: Secrets): Promise<boolean> {
  const { current, previous } = await readWebhookSecret(where)
  if (current === undefined || previous === undefined) return false
  await putWebhookSecret(where, { current })
  return true
}

async function readWebhookSecret({
  secrets,
  webhookSecret,
}: Secrets): Promise<{ current?: string; previous?: string | undefined }> {
  const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: webhookSecret }))
  try {
    const parsed = z.safeParse(WebhookSecret, JSON.parse(SecretString ?? ''))
    return parsed.success ? parsed.data : {}
  } catch {
    // what is no secret is replaced
    return {}
  }
}

async function putWebhookSecret({ secrets, webhookSecret }: Secrets, value: object): Promise<void> {
  await secrets.send(
    new PutSecretValueCommand({ SecretId: webhookSecret, SecretString: JSON.stringify(value) }),
  )
}
