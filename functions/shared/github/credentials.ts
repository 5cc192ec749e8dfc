import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as z from 'zod/mini'
import { HearthError } from '../errors.ts'

/** How Hearth shows GitHub who it is: as a GitHub App, with somebody's token, or not at all. */
const Credentials = z.union([
  z.strictObject({ appId: z.number().check(z.int(), z.positive()), privateKey: z.string() }),
  z.strictObject({ token: z.string().check(z.minLength(1)) }),
  z.strictObject({}),
])
export type GitHubCredentials = z.output<typeof Credentials>

/** Of a GitHub App. */
export interface AppCredentials {
  appId: number
  /** PEM */
  privateKey: string
}

/** The App's, when it is an App. */
export function appOf(credentials: GitHubCredentials): AppCredentials | undefined {
  const { appId, privateKey } = credentials as Record<string, unknown>
  return typeof appId === 'number' && typeof privateKey === 'string' ? { appId, privateKey } : undefined
}

export class InvalidGitHubCredentials extends HearthError {
  override name = 'InvalidGitHubCredentials'
}

/**
 * Reads Hearth's credentials for GitHub.
 * @throws InvalidGitHubCredentials, whose message has nothing of the secret
 */
export async function readCredentials(secrets: SecretsManagerClient, id: string): Promise<GitHubCredentials> {
  const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: id }))
  const parsed = z.safeParse(Credentials, parseJson(SecretString ?? ''))
  if (parsed.success) return parsed.data
  throw new InvalidGitHubCredentials(
    'the secret with the credentials for GitHub must be JSON: {"appId": 123456, "privateKey": "-----BEGIN …"} of a GitHub App, or {"token": "…"}, or {}: `hearth github setup` writes it',
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
