import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'

/** Something that must be nowhere, under a name that a failing test may print. */
export interface PlantedSecret {
  name: string
  text: string
}

/** Where one was found. */
export interface Leak {
  secret: string
  file: string
}

// RFC 8878, section 3.1.1: the magic number of a frame, little-endian.
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

/**
 * Looks into every file below some folders, packed ones unpacked, for secrets: as they are, and as base64 and hexadecimal digits.
 * @param skip whole paths of files and folders that are meant to have them
 */
export function findLeaks(folders: string[], secrets: PlantedSecret[], skip: string[]): Leak[] {
  const needles = secrets.flatMap(({ name, text }) =>
    [text, Buffer.from(text).toString('base64').replace(/=+$/, ''), Buffer.from(text).toString('hex')].map(
      (form) => ({ secret: name, form: Buffer.from(form) }),
    ),
  )
  const leaks: Leak[] = []
  for (const folder of folders)
    for (const file of filesBelow(folder, new Set(skip))) {
      const bytes = readFileSync(file)
      const contents = [bytes, ...unpacked(bytes)]
      for (const { secret, form } of needles)
        if (file.includes(form.toString()) || contents.some((content) => content.includes(form)))
          leaks.push({ secret, file: relative(folder, file) })
    }
  return leaks
}

function* filesBelow(folder: string, skip: ReadonlySet<string>): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (skip.has(path)) continue
    if (entry.isDirectory()) yield* filesBelow(path, skip)
    else if (entry.isFile()) yield path
  }
}

/** Every zstd frame that there is in a file: parcels have many, behind one another. */
function unpacked(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = []
  for (let at = bytes.indexOf(ZSTD); at !== -1; at = bytes.indexOf(ZSTD, at + 1)) {
    const next = bytes.indexOf(ZSTD, at + 1)
    const frame =
      tryUnpack(bytes.subarray(at, next === -1 ? bytes.length : next)) ?? tryUnpack(bytes.subarray(at))
    if (frame !== undefined) frames.push(frame)
  }
  return frames
}

/** Bytes that only look like the beginning of a frame are none. */
function tryUnpack(bytes: Buffer): Buffer | undefined {
  try {
    return zstdDecompressSync(bytes)
  } catch {
    return undefined
  }
}
