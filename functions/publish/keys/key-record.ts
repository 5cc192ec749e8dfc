import { stateKeys } from '../../shared/keys.ts'
import { type Bucket, claimJson, findObject } from '../../shared/objects.ts'
import type { SigningKeys } from '../../shared/records.ts'
import { KeyChangeUnderWay } from './refusals.ts'

/** The public record of the keys, and the version of it that was read. */
export interface KeyRecord {
  record: SigningKeys
  etag: string | undefined
}

// 1 MiB: a key has 200 bytes.
const LIMIT = 1024 * 1024
// 20 minutes: a Lambda lives 15 at most, so whoever claimed the record that long ago has finished or died.
const DEAD_AFTER_MS = 20 * 60 * 1000

export async function readKeyRecord(state: Bucket): Promise<KeyRecord> {
  const found = await findObject(state, stateKeys.signingKeys, LIMIT)
  if (found === undefined) return { record: { version: 1, keys: [] }, etag: undefined }
  return { record: JSON.parse(Buffer.from(found.bytes).toString('utf8')) as SigningKeys, etag: found.etag }
}

/**
 * Makes this execution the only one that changes keys: Secrets Manager itself has no conditional write, and of two changes at once one would
 * be lost, with a key that has signed already.
 * @throws KeyChangeUnderWay when another one is at it
 */
export async function claimKeyChange(state: Bucket, execution: string, now: Date): Promise<SigningKeys> {
  const { record, etag } = await readKeyRecord(state)
  const other = record.change
  const isAlive = other !== undefined && now.getTime() - Date.parse(other.started) < DEAD_AFTER_MS
  if (isAlive && other.execution !== execution) throw new KeyChangeUnderWay(other.execution)
  const claimed: SigningKeys = { ...record, change: { execution, started: now.toISOString() } }
  if (await claimJson(state, stateKeys.signingKeys, claimed, etag)) return claimed
  // An answer may be lost, and the SDK asks again: then what is in the way is our own.
  const { record: standing } = await readKeyRecord(state)
  if (standing.change?.execution !== execution)
    throw new KeyChangeUnderWay(standing.change?.execution ?? 'somebody else')
  return standing
}

/**
 * Writes what became of the keys, and ends the claim.
 * @throws KeyChangeUnderWay when the claim is not this execution's any more
 */
export async function endKeyChange(
  state: Bucket,
  execution: string,
  keys: SigningKeys['keys'],
): Promise<SigningKeys> {
  const { record, etag } = await readKeyRecord(state)
  const ended: SigningKeys = { version: 1, keys }
  if (record.change?.execution !== execution)
    throw new KeyChangeUnderWay(record.change?.execution ?? 'somebody else')
  if (await claimJson(state, stateKeys.signingKeys, ended, etag)) return ended
  const { record: standing } = await readKeyRecord(state)
  if (JSON.stringify(standing) !== JSON.stringify(ended))
    throw new KeyChangeUnderWay(standing.change?.execution ?? 'somebody else')
  return ended
}

/** Makes the record say which keys sign: a change that died half-way may have left one out. */
export async function settleKeyRecord(
  state: Bucket,
  execution: string,
  stored: { name: string; publicKey: string }[],
  now: Date,
): Promise<SigningKeys> {
  const { record } = await readKeyRecord(state)
  const isKnown = ({ name }: { name: string }): boolean => record.keys.some((key) => key.name === name)
  if (stored.every(isKnown)) return record
  const { keys } = await claimKeyChange(state, execution, now)
  return endKeyChange(state, execution, recordKeys(keys, stored, now))
}

/**
 * The record after a change: a new key is created, those before it are rotated, one that is gone is retired.
 * @param stored the public keys that sign now, oldest first
 */
export function recordKeys(
  known: SigningKeys['keys'],
  stored: { name: string; publicKey: string }[],
  now: Date,
): SigningKeys['keys'] {
  const date = now.toISOString()
  const newest = stored.at(-1)?.name
  const added: SigningKeys['keys'] = stored
    .filter(({ name }) => !known.some((key) => key.name === name))
    .map((key) => ({ ...key, created: date }))
  return [...known, ...added].map((key) => {
    if (key.retired !== undefined) return key
    if (!stored.some(({ name }) => name === key.name)) return { ...key, retired: date }
    return key.name === newest || key.rotated !== undefined ? key : { ...key, rotated: date }
  })
}
