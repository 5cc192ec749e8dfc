import { parsePublicKey, type PublicKey } from '../../../nix/signature.ts'
import { currentConfig } from '../config.ts'
import { HearthError } from '../errors.ts'
import { publicKeysOf } from '../key-lifetime.ts'
import { stateKeys } from '../keys.ts'
import { type Bucket, findJson } from '../objects.ts'
import type { SigningKeys } from '../records.ts'

/** Without a key everything would look unsigned. */
export class NoCurrentKey extends HearthError {
  override name = 'NoCurrentKey'
}

/**
 * The public keys that make a narinfo of ours believable: the keys that sign now, and those that hearth.yml adds.
 * @throws NoCurrentKey, ObjectNotFound when no configuration was ever pushed
 */
export async function currentKeys(state: Bucket): Promise<PublicKey[]> {
  const { config } = await currentConfig(state)
  const ours = publicKeysOf(await findJson<SigningKeys>(state, stateKeys.signingKeys))
  const texts = [...new Set([...config.cache.publicKeys, ...ours])]
  if (texts.length === 0)
    throw new NoCurrentKey(
      'no signing key is known: `hearth keys create` makes one, and `cache.publicKeys` of hearth.yml adds others',
    )
  return texts.map(parsePublicKey)
}
