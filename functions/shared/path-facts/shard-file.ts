import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { isZstdError } from '../zstd-error.ts'
import type { PathFact } from './fact.ts'

/** `path-facts/<digit>.json.zst`. What was asked is alike for thousands of paths, and stands once. */
interface ShardFile {
  version: 1
  asked: string[][]
  /** hash part -> position in `asked`, FileSize, day, hash parts of the references with blanks between */
  paths: Record<string, [asked: number, fileSize: number, day: number, references: string]>
}

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

// 64 MiB of text: a shard has half of that at most.
const TEXT_LIMIT = 64 * 1024 ** 2

export async function packShard(facts: ReadonlyMap<string, PathFact>): Promise<Buffer> {
  const file: ShardFile = { version: 1, asked: [], paths: {} }
  const positions = new Map<string, number>()
  for (const [hashPart, { asked, fileSize, day, references }] of facts) {
    const name = asked.join('\n')
    const position = positions.get(name) ?? file.asked.push(asked) - 1
    positions.set(name, position)
    file.paths[hashPart] = [position, fileSize, day, references.join(' ')]
  }
  return compress(Buffer.from(JSON.stringify(file)))
}

/**
 * @param intern gives one string for equal hash parts: each is named some ten times, and a large closure would fill the memory with copies
 * @returns undefined when it is of another version, or damaged: it only saves questions, and is begun anew
 */
export async function unpackShard(
  bytes: Uint8Array,
  intern: (hashPart: string) => string,
): Promise<Map<string, PathFact> | undefined> {
  const file = await parse(bytes)
  if (file?.version !== 1) return undefined
  const facts = new Map<string, PathFact>()
  for (const [hashPart, [position, fileSize, day, references]] of Object.entries(file.paths)) {
    const names = references === '' ? [] : references.split(' ').map(intern)
    facts.set(intern(hashPart), { asked: file.asked[position] ?? [], fileSize, day, references: names })
  }
  return facts
}

async function parse(bytes: Uint8Array): Promise<ShardFile | undefined> {
  try {
    const text = await decompress(bytes, { maxOutputLength: TEXT_LIMIT })
    return JSON.parse(text.toString('utf8')) as ShardFile
  } catch (error) {
    if (isZstdError(error) || error instanceof SyntaxError) return undefined
    throw error
  }
}
