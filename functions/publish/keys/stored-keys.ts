import { createHash } from 'node:crypto'
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import * as z from 'zod/mini'
import {
  formatPublicKey,
  formatSecretKey,
  parseSecretKey,
  publicKeyOf,
  type SecretKey,
} from '../../../nix/signature.ts'
import { HearthError } from '../../shared/errors.ts'

/** The keys in Secrets Manager. */
export interface StoredKeys {
  /** oldest first; none in a fresh deployment */
  keys: SecretKey[]
  /** which version of the secret this is */
  version: string
}

export class UnreadableSigningKeys extends HearthError {
  override name = 'UnreadableSigningKeys'
}

const Secret = z.object({ keys: z.array(z.string()) })

/** @throws UnreadableSigningKeys when the secret is not `{"keys": […]}`: it is not overwritten then */
export async function readStoredKeys(secrets: SecretsManagerClient, id: string): Promise<StoredKeys> {
  const { SecretString = '', VersionId = '' } = await secrets.send(
    new GetSecretValueCommand({ SecretId: id }),
  )
  return { keys: parse(SecretString).map(parseSecretKey), version: VersionId }
}

/** Puts these keys in the place of all others. The same version twice is one change. */
export async function putStoredKeys(
  secrets: SecretsManagerClient,
  id: string,
  { keys, version }: StoredKeys,
): Promise<void> {
  const SecretString = JSON.stringify({ keys: keys.map(formatSecretKey) })
  await secrets.send(new PutSecretValueCommand({ SecretId: id, SecretString, ClientRequestToken: version }))
}

/**
 * The version that an execution's change gets, so that the change is found to be made when the execution comes again.
 * 64 characters at most. Source: Secrets Manager API reference, PutSecretValue, ClientRequestToken.
 */
export function versionOf(execution: string): string {
  return createHash('sha256').update(execution).digest('hex')
}

/** What of a key everybody may know. */
export function publicSide(key: SecretKey): { name: string; publicKey: string } {
  return { name: key.name, publicKey: formatPublicKey(publicKeyOf(key)) }
}

/** The text itself is never part of a message. */
function parse(text: string): string[] {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    document = undefined
  }
  const parsed = z.safeParse(Secret, document)
  if (!parsed.success)
    throw new UnreadableSigningKeys(
      'the signing key\'s secret is not {"keys": ["name-1:base64…"]}, and nothing was changed in it',
    )
  return parsed.data.keys
}
