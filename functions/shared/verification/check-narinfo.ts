import { fingerprint, InvalidNarInfo, type NarInfo, parseNarInfo } from '../../../nix/narinfo.ts'
import { type PublicKey, verify } from '../../../nix/signature.ts'
import { hashPartOf } from '../../../nix/store-path.ts'
import { cacheKeys } from '../keys.ts'
import { cacheObjectOf } from './cache-object.ts'
import type { Fault, FaultName } from './fault.ts'

/** 1 MiB: a narinfo of 10,000 references has 600 kB. */
export const NARINFO_LIMIT = 1024 * 1024

/** The NAR that a narinfo names. */
export interface NamedNar {
  key: string
  /** nix32 digits of its SHA-256 */
  fileHash: string
  fileSize: number
}

export interface CheckedNarInfo {
  /** what a client gets that asks for this key; undefined when it gets nothing that it can use */
  info: NarInfo | undefined
  /** the NAR that it names; undefined when that has not the form of ours */
  nar: NamedNar | undefined
  faults: Fault[]
}

/**
 * Everything about a narinfo that shows without looking at anything else.
 * @param key where it lies in the cache bucket
 * @param keys our current public keys
 */
export function checkNarInfo(key: string, bytes: Uint8Array, keys: PublicKey[]): CheckedNarInfo {
  const fault = (name: FaultName, detail: string): Fault => ({ fault: name, key, detail })
  const info = parse(bytes)
  if (info instanceof InvalidNarInfo)
    return { info: undefined, nar: undefined, faults: [fault('malformed-narinfo', info.message)] }
  if (key !== cacheKeys.narinfo(hashPartOf(info.storePath))) {
    const detail = `it is the narinfo of ${info.storePath}`
    return { info: undefined, nar: narOf(info), faults: [fault('wrong-key', detail)] }
  }
  const faults: Fault[] = []
  if (!info.signatures.some((signature) => verify(fingerprint(info), signature, keys) !== undefined))
    faults.push(fault('unsigned', whoSigned(info, keys)))
  const nar = narOf(info)
  if (nar === undefined)
    faults.push(
      fault(
        'wrong-url',
        `URL ${info.url}, Compression ${info.compression}, FileHash ${info.fileHash ?? 'none'}, FileSize ${info.fileSize ?? 'none'}: ` +
          'the URL of a NAR of ours is nar/<FileHash>.nar.zst, and Compression zstd',
      ),
    )
  return { info, nar, faults }
}

/** The NAR that a narinfo of ours names; undefined when its fields do not fit each other. */
export function narOf(info: NarInfo): NamedNar | undefined {
  const object = cacheObjectOf(info.url)
  if (object.kind !== 'nar' || info.compression !== 'zstd' || info.fileSize === undefined) return undefined
  if (info.fileHash !== `sha256:${object.fileHash}`) return undefined
  return { key: info.url, fileHash: object.fileHash, fileSize: info.fileSize }
}

function parse(bytes: Uint8Array): NarInfo | InvalidNarInfo {
  try {
    return parseNarInfo(Buffer.from(bytes).toString('utf8'))
  } catch (error) {
    if (error instanceof InvalidNarInfo) return error
    throw error
  }
}

function whoSigned({ signatures }: NarInfo, keys: PublicKey[]): string {
  const current = keys.map(({ name }) => name).join(', ')
  if (signatures.length === 0) return `it has no signature; the current keys are ${current}`
  const names = signatures.map((signature) => signature.split(':', 1)[0])
  return `no signature by ${names.join(', ')} is one of the current keys ${current}`
}
