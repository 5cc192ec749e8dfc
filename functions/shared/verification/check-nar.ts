import { Readable } from 'node:stream'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import type { NarInfo } from '../../../nix/narinfo.ts'
import { hashPartOf, type StorePath } from '../../../nix/store-path.ts'
import { InvalidNarFile, type NarExpectation, type NarFile, readNarFile } from '../nar-file.ts'
import { type Bucket, isMissing } from '../objects.ts'
import { cacheKeys } from '../keys.ts'
import type { NamedNar } from './check-narinfo.ts'
import type { Fault, FaultName } from './fault.ts'

/**
 * Downloads a NAR of the cache and compares it with its narinfo, streaming: FileHash, FileSize, NarHash, NarSize, form and references.
 * @param candidates further paths that it may not refer to without declaring them: what its references refer to in turn. Nix looked for these,
 * too, when it scanned the output, because inputs are closed under references.
 */
export async function checkNar(
  cache: Bucket,
  info: NarInfo,
  nar: NamedNar,
  candidates: Iterable<StorePath>,
): Promise<Fault[]> {
  const key = cacheKeys.narinfo(hashPartOf(info.storePath))
  const fault = (name: FaultName, detail: string): Fault => ({ fault: name, key, detail })
  const body = await open(cache, nar.key)
  if (body === undefined) return [fault('nar-missing', `there is no ${nar.key}`)]
  const read = await readOrWhy(body, {
    maxSize: info.narSize,
    candidates: [
      ...info.references,
      ...candidates,
      // A content-addressed source may contain anything; an output that contains its own path says so.
      ...(info.ca === undefined ? [info.storePath] : []),
    ],
  })
  if (typeof read === 'string') return [fault('nar-bytes', `${nar.key}: ${read}`)]
  const differences = [
    differ('FileSize', nar.fileSize, read.fileSize),
    differ('FileHash', info.fileHash, read.fileHash),
    differ('NarSize', info.narSize, read.narSize),
    differ('NarHash', info.narHash, read.narHash),
  ].filter((difference) => difference !== '')
  if (differences.length > 0) return [fault('nar-bytes', `${nar.key}: ${differences.join('; ')}`)]
  const absent = info.references.filter((reference) => !read.references.includes(reference))
  const undeclared = read.references.filter((reference) => !info.references.includes(reference))
  if (absent.length + undeclared.length === 0) return []
  const parts = [
    absent.length > 0 ? `declared, and not in it: ${absent.join(', ')}` : '',
    undeclared.length > 0 ? `in it, and not declared: ${undeclared.join(', ')}` : '',
  ]
  return [fault('nar-references', parts.filter((part) => part !== '').join('; '))]
}

function differ(what: string, declared: string | number | undefined, found: string | number): string {
  return declared === found ? '' : `its ${what} is ${found}, and the narinfo says ${declared ?? 'none'}`
}

async function open(cache: Bucket, key: string): Promise<Readable | undefined> {
  try {
    const { Body } = await cache.s3.send(new GetObjectCommand({ Bucket: cache.name, Key: key }))
    return Body instanceof Readable ? Body : undefined
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** @returns what is wrong with its form, in words, when it is no NAR within a zstd frame */
async function readOrWhy(body: Readable, expectation: NarExpectation): Promise<NarFile | string> {
  try {
    return await readNarFile(body, expectation)
  } catch (error) {
    if (error instanceof InvalidNarFile) return error.message
    throw error
  }
}
