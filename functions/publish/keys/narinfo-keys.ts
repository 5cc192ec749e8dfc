import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { Bucket } from '../../shared/objects.ts'

/**
 * The keys of the narinfos in the cache bucket behind a key, in order. `nar/` and `log/` are rolled up by S3 itself.
 * @param after '' for the first ones
 * @param most keys that are asked for at once, 1,000 at most; what is given may be fewer
 * @returns undefined when there is nothing behind `after` any more
 */
export async function narinfosAfter(
  cache: Bucket,
  after: string,
  most: number,
): Promise<{ keys: string[]; last: string } | undefined> {
  const page = await cache.s3.send(
    new ListObjectsV2Command({
      Bucket: cache.name,
      Delimiter: '/',
      MaxKeys: most,
      ...(after === '' ? {} : { StartAfter: after }),
    }),
  )
  const listed = (page.Contents ?? []).flatMap(({ Key }) => Key ?? [])
  // `nar0` is the first key that `nar/…` is not: StartAfter a prefix would give the prefix again.
  const prefixes = (page.CommonPrefixes ?? []).map(({ Prefix = '' }) => `${Prefix.slice(0, -1)}0`)
  const last = [...listed, ...prefixes].sort().at(-1)
  if (last === undefined) return undefined
  return { keys: listed.filter((key) => key.endsWith('.narinfo')), last }
}

// The digits of nix32, in the order of their bytes. Source: Nix, src/libutil/hash.cc, `base32Chars`.
const DIGITS = '0123456789abcdfghijklmnpqrsvwxyz'

/**
 * How much of all narinfos lies before a key: hash parts are as good as random, so their place among all possible ones tells.
 * @returns 0 to 1
 */
export function shareBefore(key: string): number {
  let share = 0
  let weight = 1
  // 6 digits: a thousand million places, more than there are narinfos
  for (const digit of key.slice(0, 6)) {
    weight /= DIGITS.length
    share += weight * Math.max(0, DIGITS.indexOf(digit))
  }
  return share
}
