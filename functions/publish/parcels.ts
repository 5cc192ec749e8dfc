import { stagedKeys } from '../shared/keys.ts'
import { type Bucket, findObject, isConditionFailed, ObjectTooLarge } from '../shared/objects.ts'
import { InvalidParcel, PARCEL_LIMIT, type ParcelEntry, readParcel } from '../shared/parcel.ts'
import type { ParcelPart } from '../shared/records.ts'
import type { Publication } from './publication.ts'
import { StagedResultInvalid } from './refusals.ts'

/** A small object that a build staged in a parcel. */
export interface Parcelled {
  bytes: Uint8Array
  part: ParcelPart
}

/** Everything that a build staged in parcels. Of two objects of one name the first counts, as with objects by themselves. */
export interface Parcels {
  /** Whether there is such an object; costs nothing. */
  has(key: string): boolean
  /**
   * @param key that the object would have by itself
   * @throws StagedResultInvalid when its parcel is no longer what it was
   */
  find(key: string): Promise<Parcelled | undefined>
  /** What is wrong with them: who found nothing in them did not see everything. */
  damage: string | undefined
}

// 256 MiB of parcels stay in memory, of the Lambda's 1769: the small NARs of some 10,000 derivations. What is beyond is read again when its turn comes.
const KEPT_BYTES = 256 * 1024 ** 2
// 4 parcels at once, of 32 MiB at most; of a build that has none Publish learns it with as many requests.
const AT_ONCE = 4
// A builder closes a parcel at 8 MiB or after 2 s. 8 GiB: 100,000 small paths. 10,000: more than 5 hours of building without a pause.
const MOST_BYTES = 8 * 1024 ** 3
const MOST_PARCELS = 10_000
// 500,000 names of some 100 bytes: an honest batch of 20,000 derivations has four for each.
const MOST_NAMES = 500_000

interface OpenParcel {
  etag: string
  size: number
  /** undefined when it had to make room */
  bytes: Uint8Array | undefined
}

/**
 * Reads all parcels of a batch, from 0 on until one is missing. One that is none is passed over, and told as damage.
 * @param among how many batches share the memory
 */
export async function openParcels(staging: Bucket, prefix: string, among = 1): Promise<Parcels> {
  const mostKept = KEPT_BYTES / among
  const open: OpenParcel[] = []
  const entries = new Map<string, ParcelEntry & { parcel: number }>()
  const damages: string[] = []
  let size = 0
  let kept = 0

  async function readAll(): Promise<void> {
    while (open.length < MOST_PARCELS && size < MOST_BYTES && entries.size < MOST_NAMES) {
      const numbers = Array.from({ length: AT_ONCE }, (_, index) => open.length + index)
      const found = await Promise.all(numbers.map(read))
      const end = found.indexOf(undefined)
      for (const parcel of end === -1 ? found : found.slice(0, end)) if (parcel !== undefined) add(parcel)
      if (end !== -1) return
    }
    damages.push('there are more parcels than a builder makes')
  }

  /** @returns undefined when there is no such parcel, and one without bytes when it is too large */
  async function read(number: number): Promise<OpenParcel | undefined> {
    try {
      const found = await findObject(staging, stagedKeys.parcel(prefix, number), PARCEL_LIMIT)
      return found === undefined
        ? undefined
        : { etag: found.etag, size: found.bytes.length, bytes: found.bytes }
    } catch (error) {
      if (error instanceof ObjectTooLarge) return { etag: '', size: 0, bytes: undefined }
      throw error
    }
  }

  function add(parcel: OpenParcel): void {
    const number = open.push(parcel) - 1
    size += parcel.size
    try {
      if (parcel.bytes === undefined) throw new InvalidParcel(`it has more than ${PARCEL_LIMIT} bytes`)
      for (const [name, entry] of readParcel(parcel.bytes))
        if (!entries.has(name)) entries.set(name, { ...entry, parcel: number })
      kept += parcel.size
      // what comes first is needed first
      if (kept > mostKept) forget(parcel)
    } catch (error) {
      if (!(error instanceof InvalidParcel)) throw error
      parcel.bytes = undefined
      damages.push(`parcel ${number}: ${error.message}`)
    }
  }

  function forget(parcel: OpenParcel): void {
    parcel.bytes = undefined
    kept -= parcel.size
  }

  async function bytesOf(number: number, parcel: OpenParcel): Promise<Uint8Array> {
    if (parcel.bytes !== undefined) return parcel.bytes
    const part = { parcel: number, etag: parcel.etag, start: 0, bytes: parcel.size }
    const bytes = await readPart(staging, prefix, part)
    if (typeof bytes === 'string') throw new StagedResultInvalid(`the staged parcel ${number} ${bytes}`)
    // Another derivation may have asked for it at the same moment.
    if (parcel.bytes !== undefined) return parcel.bytes
    parcel.bytes = bytes
    kept += parcel.size
    for (const other of open)
      if (kept > mostKept && other !== parcel && other.bytes !== undefined) forget(other)
    return bytes
  }

  await readAll()
  const nameOf = (key: string): string => key.slice(prefix.length)
  return {
    damage: damages.length === 0 ? undefined : damages.join('; '),
    has: (key) => entries.has(nameOf(key)),
    async find(key) {
      const entry = entries.get(nameOf(key))
      const parcel = entry === undefined ? undefined : open[entry.parcel]
      if (entry === undefined || parcel === undefined) return undefined
      const { start, bytes } = entry
      const all = await bytesOf(entry.parcel, parcel)
      return {
        bytes: all.subarray(start, start + bytes),
        part: { parcel: entry.parcel, etag: parcel.etag, start, bytes },
      }
    },
  }
}

/**
 * The bytes of a part of a parcel, as somebody has read them before: from memory, when it is a parcel of the build at hand.
 * @param prefix of the build that the record is about
 * @param key that the object would have by itself
 * @returns why that is not possible any more
 */
export async function bytesOfPart(
  { staging, parcels, prefix: own }: Pick<Publication, 'staging' | 'parcels' | 'prefix'>,
  prefix: string,
  key: string,
  part: ParcelPart,
): Promise<Uint8Array | 'is gone' | 'has changed'> {
  const held = prefix === own ? await parcels.find(key) : undefined
  const isSame = held?.part.etag === part.etag && held.part.start === part.start
  return held !== undefined && isSame ? held.bytes : readPart(staging, prefix, part)
}

async function readPart(
  staging: Bucket,
  prefix: string,
  { parcel, etag, start, bytes }: ParcelPart,
): Promise<Uint8Array | 'is gone' | 'has changed'> {
  // S3 knows no range without bytes
  if (bytes === 0) return new Uint8Array()
  try {
    const key = stagedKeys.parcel(prefix, parcel)
    const found = await findObject(staging, key, PARCEL_LIMIT, { etag, range: { start, bytes } })
    return found?.bytes ?? 'is gone'
  } catch (error) {
    if (isConditionFailed(error)) return 'has changed'
    throw error
  }
}
