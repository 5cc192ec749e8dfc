import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import * as z from 'zod/mini'
import { parseSecretKey, type SecretKey } from '../../nix/signature.ts'
import { HearthError } from '../shared/errors.ts'

export class NoSigningKey extends HearthError {
  override name = 'NoSigningKey'
}

const Secret = z.object({ keys: z.array(z.string()) })

/**
 * The keys that sign every narinfo, from the secret `{"keys": ["name:base64", …]}`.
 * @throws NoSigningKey when the secret has none: nothing is ever published unsigned
 */
export async function readSigningKeys(secrets: SecretsManagerClient, id: string): Promise<SecretKey[]> {
  const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: id }))
  const keys = parse(SecretString ?? '')
  if (keys === undefined || keys.length === 0)
    throw new NoSigningKey(
      'the signing key\'s secret must be {"keys": ["name-1:base64…"]} with at least one Nix secret key',
    )
  return keys.map(parseSecretKey)
}

/** The text itself is never part of a message. */
function parse(text: string): string[] | undefined {
  try {
    const parsed = z.safeParse(Secret, JSON.parse(text))
    return parsed.success ? parsed.data.keys : undefined
  } catch {
    return undefined
  }
}
