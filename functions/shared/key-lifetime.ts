import type { Resigning, SigningKeyFacts, SigningKeys } from './records.ts'

// 30 days: Nix's narinfo-cache-positive-ttl. Until then a client may go by a narinfo that it read before it had its new signature.
const CLIENTS_REMEMBER_MS = 30 * 24 * 60 * 60 * 1000

/** The keys that sign, oldest first. */
export function signingNow(record: SigningKeys | undefined): SigningKeyFacts[] {
  return (record?.keys ?? []).filter(({ retired }) => retired === undefined)
}

/** What builders and laptops must trust to use the cache: the keys that sign. One that is retired is trusted no more. */
export function publicKeysOf(record: SigningKeys | undefined): string[] {
  return signingNow(record).map(({ publicKey }) => publicKey)
}

// 16 minutes: a Publish that read the keys before the newest one was there lives 15 at most.
const PUBLISHERS_LIVE_MS = 16 * 60 * 1000

/** From when on whatever is published has the signature of every key; undefined when no key signs. */
export function everyPublisherKnows(record: SigningKeys | undefined): Date | undefined {
  const newest = signingNow(record).at(-1)
  return newest === undefined ? undefined : new Date(Date.parse(newest.created) + PUBLISHERS_LIVE_MS)
}

/**
 * From when on no client can miss a key: 30 days after every narinfo has had the signature of another key that stays. Undefined while that
 * is not so: there is no other key, or the whole cache was not re-signed with it.
 */
export function retirableFrom(
  record: SigningKeys | undefined,
  resigning: Resigning | undefined,
  name: string,
): Date | undefined {
  const staying = signingNow(record).filter((key) => key.name !== name)
  const isCovered = staying.some((key) => resigning?.keys.includes(key.name))
  if (resigning?.completed === undefined || !isCovered) return undefined
  return new Date(Date.parse(resigning.completed) + CLIENTS_REMEMBER_MS)
}
