import * as z from 'zod/mini'
import { HearthError } from './errors.ts'
import { explainFindings } from './findings.ts'

/**
 * A parcel is one staged object that holds many small ones, so that a derivation of a few kilobytes costs a builder and Publish no requests of its
 * own. It begins with one line of JSON, `{"version":1,"objects":[["<name>",<bytes>],…]}`; behind that line come the bytes of the objects, in the same
 * order, with nothing between or behind them. A name is the key that the object would have by itself, below the build's prefix.
 */

/** Bytes that are no parcel. */
export class InvalidParcel extends HearthError {
  override name = 'InvalidParcel'
}

/** Where in a parcel an object is. */
export interface ParcelEntry {
  start: number
  bytes: number
}

/** 32 MiB: a builder closes a parcel at 8 MiB, and the last object in it has 8 MiB at most. */
export const PARCEL_LIMIT = 32 * 1024 * 1024
/** 4 MiB: ten times what a builder writes. */
const INDEX_LIMIT = 4 * 1024 * 1024

const Index = z.object({
  version: z.literal(1),
  objects: z.array(z.tuple([z.string(), z.int().check(z.nonnegative())])),
})

export function packParcel(objects: { name: string; bytes: Uint8Array }[]): Buffer {
  const index: z.output<typeof Index> = {
    version: 1,
    objects: objects.map(({ name, bytes }) => [name, bytes.length]),
  }
  return Buffer.concat([Buffer.from(`${JSON.stringify(index)}\n`), ...objects.map(({ bytes }) => bytes)])
}

/**
 * What is where in a parcel, by name.
 * @throws InvalidParcel
 */
export function readParcel(parcel: Uint8Array): Map<string, ParcelEntry> {
  const end = Buffer.from(parcel.buffer, parcel.byteOffset, Math.min(parcel.length, INDEX_LIMIT)).indexOf(
    '\n',
  )
  if (end === -1) throw new InvalidParcel(`its index has no end within ${INDEX_LIMIT} bytes`)
  const entries = new Map<string, ParcelEntry>()
  let start = end + 1
  for (const [name, bytes] of parseIndex(parcel.subarray(0, end))) {
    if (entries.has(name)) throw new InvalidParcel(`${name} is in it twice`)
    entries.set(name, { start, bytes })
    start += bytes
  }
  if (start !== parcel.length)
    throw new InvalidParcel(`it has ${parcel.length} bytes, and its index speaks of ${start}`)
  return entries
}

function parseIndex(text: Uint8Array): [name: string, bytes: number][] {
  let document: unknown
  try {
    document = JSON.parse(Buffer.from(text).toString('utf8'))
  } catch {
    throw new InvalidParcel('its index is no JSON')
  }
  const parsed = z.safeParse(Index, document)
  if (!parsed.success) throw new InvalidParcel(`its index: ${explainFindings(parsed.error)}`)
  return parsed.data.objects
}
