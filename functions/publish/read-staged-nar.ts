import { Readable } from 'node:stream'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import type { FixedContent } from '../../nix/fixed-content.ts'
import type { VerifiedNar } from '../../nix/nar-verification.ts'
import type { StorePath } from '../../nix/store-path.ts'
import { stagedKeys } from '../shared/keys.ts'
import { InvalidNarFile, type NarExpectation, type NarFile, readNarFile } from '../shared/nar-file.ts'
import { isMissing } from '../shared/objects.ts'
import type { ParcelPart } from '../shared/records.ts'
import type { Publication } from './publication.ts'
import { NarOverLimit, StagedBytesDiffer, StagedResultInvalid } from './refusals.ts'
import { fileHashDigits, type StagedBuild, type StagedNarInfo } from './staged-result.ts'

/** What the bytes of a staged NAR prove, and exactly which bytes those are. */
export interface StagedNar extends VerifiedNar {
  etag: string
  part?: ParcelPart
}

// 1 MiB: what is smaller takes next to no memory and time, and waits for no other.
const SMALL_NAR = 1024 * 1024

/**
 * Reads a staged NAR once, streaming: FileHash, FileSize, NarHash and NarSize are recomputed and must be what the narinfo says, and its form is
 * checked. Expansion is bounded by the declared NarSize, and that by the deployment's limit.
 * @param candidates the paths that are looked for in it
 * @param content who hashes its content on the way
 * @throws NarOverLimit, StagedResultInvalid, StagedBytesDiffer
 */
export async function readStagedNar(
  publication: StagedBuild & Pick<Publication, 'maxNarSize' | 'largeNars'>,
  info: StagedNarInfo,
  candidates: Iterable<StorePath>,
  content?: FixedContent,
): Promise<StagedNar> {
  if (info.narSize > publication.maxNarSize)
    throw new NarOverLimit(info.storePath, info.narSize, publication.maxNarSize)
  const read = async () => readAll(publication, info, { maxSize: info.narSize, candidates, content })
  return info.narSize > SMALL_NAR ? publication.largeNars(read) : read()
}

async function readAll(
  build: StagedBuild,
  info: StagedNarInfo,
  expectation: NarExpectation,
): Promise<StagedNar> {
  const path = info.storePath
  const { body, ...where } = await open(build, info)
  const { fileHash, fileSize, ...nar } = await readValid(body, path, expectation)
  const check = (what: string, declared: string | number, found: string | number): void => {
    if (declared !== found) throw new StagedBytesDiffer(path, what, declared, found)
  }
  check('FileSize', info.fileSize, fileSize)
  check('FileHash', info.fileHash, fileHash)
  check('NarSize', info.narSize, nar.narSize)
  check('NarHash', info.narHash, nar.narHash)
  return { ...nar, ...where }
}

async function open(
  { staging, prefix, parcels }: StagedBuild,
  { storePath, fileHash }: StagedNarInfo,
): Promise<{ body: Readable | Uint8Array; etag: string; part?: ParcelPart }> {
  const key = stagedKeys.nar(prefix, fileHashDigits(fileHash))
  const parcelled = await parcels.find(key)
  if (parcelled !== undefined) {
    const { bytes, part } = parcelled
    return { body: bytes, etag: part.etag, part }
  }
  try {
    const { Body, ETag } = await staging.s3.send(new GetObjectCommand({ Bucket: staging.name, Key: key }))
    if (!(Body instanceof Readable) || ETag === undefined)
      throw new StagedResultInvalid(`S3 gave no bytes for ${key}`)
    return { body: Body, etag: ETag }
  } catch (error) {
    if (isMissing(error)) throw new StagedResultInvalid(`the NAR of ${storePath} was not staged`)
    throw error
  }
}

async function readValid(
  body: Readable | Uint8Array,
  path: StorePath,
  expectation: NarExpectation,
): Promise<NarFile> {
  try {
    return await readNarFile(body, expectation)
  } catch (error) {
    if (error instanceof InvalidNarFile)
      throw new StagedResultInvalid(`the staged NAR of ${path}: ${error.message}`)
    throw error
  }
}
