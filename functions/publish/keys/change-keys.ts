import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { generateSecretKey, type SecretKey } from '../../../nix/signature.ts'
import type { KeyAnswer, KeyChange } from '../../shared/contract.ts'
import { retirableFrom } from '../../shared/key-lifetime.ts'
import { stateKeys } from '../../shared/keys.ts'
import { logger } from '../../shared/lambda.ts'
import { type Bucket, findJson } from '../../shared/objects.ts'
import type { Resigning, SigningKeys } from '../../shared/records.ts'
import { firstKeyName, nextKeyName } from './key-names.ts'
import { claimKeyChange, endKeyChange, recordKeys } from './key-record.ts'
import { KeyExists, LastKey, NoKeyYet, NoSuchKey, StillNeeded } from './refusals.ts'
import { publicSide, putStoredKeys, readStoredKeys, type StoredKeys, versionOf } from './stored-keys.ts'

/** Where the keys are, and who asks. */
export interface KeyChangeParts {
  secrets: SecretsManagerClient
  /** of the signing keys */
  secretId: string
  state: Bucket
  /** what the first key is named for */
  deployment: string
  execution: string
}

type Change = Exclude<KeyChange, { change: 'resign' }>

/**
 * Creates, rotates or retires: first the secret, then the public record. Killed anywhere and run again by the same execution, it ends the
 * same.
 * @throws what `refusals.ts` names, KeyExists and so on: nothing was changed then
 */
export async function changeKeys(
  change: Change,
  { secrets, secretId, state, deployment, execution }: KeyChangeParts,
  now: () => Date,
): Promise<KeyAnswer> {
  const record = await claimKeyChange(state, execution, now())
  const version = versionOf(execution)
  let stored: StoredKeys
  try {
    stored = await readStoredKeys(secrets, secretId)
    if (stored.version !== version) {
      const resigning = await findJson<Resigning>(state, stateKeys.resigning)
      stored = { keys: decideKeys(change, stored.keys, record, resigning, deployment, now()), version }
    }
  } catch (error) {
    await endKeyChange(state, execution, record.keys)
    throw error
  }
  await putStoredKeys(secrets, secretId, stored)
  const names = stored.keys.map(({ name }) => name)
  await endKeyChange(state, execution, recordKeys(record.keys, stored.keys.map(publicSide), now()))
  logger.info('signing keys changed', { change: change.change, keys: names, execution })
  return { verdict: 'done', change: change.change }
}

/** The keys that sign from now on, oldest first. */
export function decideKeys(
  change: Change,
  keys: SecretKey[],
  record: SigningKeys,
  resigning: Resigning | undefined,
  deployment: string,
  now: Date,
): SecretKey[] {
  const names = keys.map(({ name }) => name)
  switch (change.change) {
    case 'create':
      if (keys.length > 0) throw new KeyExists(names)
      return [
        generateSecretKey(
          firstKeyName(
            deployment,
            change.name,
            record.keys.map(({ name }) => name),
          ),
        ),
      ]
    case 'rotate': {
      if (keys.length === 0) throw new NoKeyYet()
      const known = [...record.keys.map(({ name }) => name).filter((name) => !names.includes(name)), ...names]
      return [...keys, generateSecretKey(nextKeyName(known))]
    }
    case 'retire': {
      if (!names.includes(change.name)) throw new NoSuchKey(change.name, names)
      if (keys.length === 1) throw new LastKey(change.name)
      const from = retirableFrom(record, resigning, change.name)
      if (!change.force && (from === undefined || from > now)) throw new StillNeeded(change.name, from)
      return keys.filter(({ name }) => name !== change.name)
    }
  }
}
