import * as z from 'zod/mini'
import { InvalidNarInfo, type NarInfo, parseNarInfo } from '../../nix/narinfo.ts'
import { baseNameOf, hashPartOf, type StorePath } from '../../nix/store-path.ts'
import { explainFindings } from '../shared/findings.ts'
import { stagedKeys } from '../shared/keys.ts'
import { findObject, ObjectTooLarge } from '../shared/objects.ts'
import type { Publication } from './publication.ts'
import { StagedResultInvalid } from './refusals.ts'

// A builder is not trusted: what it says is checked before it is used, and bounded before it is read.
const Result = z.intersection(
  z.object({ version: z.literal(1), drvPath: z.string() }),
  z.discriminatedUnion('status', [
    z.object({
      status: z.literal('built'),
      seconds: z.number().check(z.nonnegative()),
      inputs: z.custom<Record<string, string>>(isRecordOfText, 'expected an object whose values are strings'),
      log: z.optional(z.boolean()),
    }),
    z.object({ status: z.literal('failed'), message: z.string(), logTail: z.array(z.string()) }),
    z.object({ status: z.literal('dependency-failed'), because: z.array(z.string()) }),
    z.object({ status: z.literal('input-missing'), missing: z.array(z.string()) }),
  ]),
)
export type StagedResult = z.output<typeof Result>

// 8 MiB: the closure of the inputs of the largest packages has some thousand paths of 150 bytes each.
const RESULT_LIMIT = 8 * 1024 * 1024
// 1 MiB: as for a published narinfo.
const NARINFO_LIMIT = 1024 * 1024

/** Where to look for what a build staged. */
export type StagedBuild = Pick<Publication, 'staging' | 'prefix' | 'parcels'>

/** A small staged object: in a parcel, or by itself. @throws ObjectTooLarge */
async function findBytes(
  { staging, parcels }: StagedBuild,
  key: string,
  limit: number,
): Promise<Uint8Array | undefined> {
  const parcelled = await parcels.find(key)
  if (parcelled === undefined) return (await findObject(staging, key, limit))?.bytes
  if (parcelled.bytes.length > limit)
    throw new ObjectTooLarge(`${key} has ${parcelled.bytes.length} bytes, and at most ${limit} are read`)
  return parcelled.bytes
}

/**
 * What the builder says of one derivation, or undefined when it said nothing.
 * @throws StagedResultInvalid
 */
export async function findStagedResult(
  build: StagedBuild,
  drvPath: StorePath,
): Promise<StagedResult | undefined> {
  const bytes = await findBytes(build, stagedKeys.result(build.prefix, baseNameOf(drvPath)), RESULT_LIMIT)
  if (bytes === undefined) {
    if (build.parcels.damage === undefined) return undefined
    throw new StagedResultInvalid(
      `the builder's result for ${drvPath} was not found, but ${build.parcels.damage}`,
    )
  }
  let document: unknown
  try {
    document = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    throw new StagedResultInvalid(`the builder's result for ${drvPath} is not JSON`)
  }
  const parsed = z.safeParse(Result, document)
  if (!parsed.success)
    throw new StagedResultInvalid(`the builder's result for ${drvPath}: ${explainFindings(parsed.error)}`)
  if (parsed.data.drvPath !== drvPath)
    throw new StagedResultInvalid(`the builder's result for ${drvPath} is about ${parsed.data.drvPath}`)
  return parsed.data
}

/** A staged narinfo whose name, path and file are what they must be; its hashes are still only claims. */
export interface StagedNarInfo extends NarInfo {
  fileHash: string
  fileSize: number
}

/** @throws StagedResultInvalid when there is none, or naming what is wrong with it */
export async function readStagedNarInfo(build: StagedBuild, path: StorePath): Promise<StagedNarInfo> {
  const info = await findStagedNarInfo(build, path)
  if (info === undefined)
    throw new StagedResultInvalid(`${path} was said to be built, and no narinfo of it was staged`)
  return info
}

/** @throws StagedResultInvalid naming what is wrong with it */
export async function findStagedNarInfo(
  build: StagedBuild,
  path: StorePath,
): Promise<StagedNarInfo | undefined> {
  const key = stagedKeys.narinfo(build.prefix, hashPartOf(path))
  const bytes = await findBytes(build, key, NARINFO_LIMIT)
  if (bytes === undefined) return undefined
  const info = parse(path, Buffer.from(bytes).toString('utf8'))
  const wrong = (what: string): StagedResultInvalid =>
    new StagedResultInvalid(`the staged narinfo of ${path} ${what}`)
  if (info.storePath !== path) throw wrong(`is about ${info.storePath}`)
  if (info.compression !== 'zstd')
    throw wrong(`says Compression ${info.compression}: builders stage zstd only`)
  if (info.fileHash === undefined || info.fileSize === undefined) throw wrong('has no FileHash or FileSize')
  if (info.url !== `nar/${fileHashDigits(info.fileHash)}.nar.zst`)
    throw wrong(`has the URL ${info.url}, which its FileHash does not give`)
  if (info.ca !== undefined) throw wrong('claims a content address')
  return { ...info, fileHash: info.fileHash, fileSize: info.fileSize }
}

/** The nix32 digits of `sha256:<nix32>`, as they stand in a NAR's file name. */
export function fileHashDigits(fileHash: string): string {
  return fileHash.slice('sha256:'.length)
}

function parse(path: StorePath, text: string): NarInfo {
  try {
    return parseNarInfo(text)
  } catch (error) {
    if (error instanceof InvalidNarInfo)
      throw new StagedResultInvalid(`the staged narinfo of ${path}: ${error.message}`)
    throw error
  }
}

/** By hand: zod takes five times as long (19 µs for 121 inputs), and a result names hundreds. */
function isRecordOfText(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((text) => typeof text === 'string')
}
