import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { invalidRequest, S3Error } from './errors.ts'

/** Something that bytes are fed to and that ends as a digest. */
export interface Digest {
  update(bytes: Uint8Array): void
  digest(): Buffer
}

/**
 * S3's additional checksums by the last part of their header, `x-amz-checksum-<name>`. Values travel as base64 of the big-endian bytes.
 * Source: S3 user guide, "Checking object integrity".
 */
const ALGORITHMS = {
  crc32: { bytes: 4, create: (): Digest => crc32Digest() },
  crc32c: { bytes: 4, create: (): Digest => crc32cDigest() },
  crc64nvme: { bytes: 8, create: (): Digest => crc64nvmeDigest() },
  sha1: { bytes: 20, create: (): Digest => createHash('sha1') },
  sha256: { bytes: 32, create: (): Digest => createHash('sha256') },
}

export type ChecksumAlgorithm = keyof typeof ALGORITHMS

export interface Checksum {
  algorithm: ChecksumAlgorithm
  /** base64; for an object of several parts with the type COMPOSITE followed by `-<number of parts>` */
  value: string
  type: 'FULL_OBJECT' | 'COMPOSITE'
}

export function createDigest(algorithm: ChecksumAlgorithm): Digest {
  return ALGORITHMS[algorithm].create()
}

/** `CRC32`, `SHA256` -> the algorithm. @throws InvalidRequest */
export function algorithmNamed(name: string): ChecksumAlgorithm {
  const found = Object.keys(ALGORITHMS).find((one) => one === name.toLowerCase())
  if (found === undefined) throw invalidRequest(`The checksum algorithm ${name} is not known here`)
  return found as ChecksumAlgorithm
}

/** The algorithm of a header `x-amz-checksum-…`; undefined for the headers beside them, such as x-amz-checksum-mode. */
export function algorithmOfHeader(header: string): ChecksumAlgorithm | undefined {
  const name = /^x-amz-checksum-(?<name>.+)$/.exec(header)?.groups?.['name']
  return name !== undefined && name in ALGORITHMS ? (name as ChecksumAlgorithm) : undefined
}

export function headerOf(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm}`
}

/** The name of the XML element that carries such a checksum, `ChecksumCRC32C`. */
export function elementOf(algorithm: ChecksumAlgorithm): string {
  return `Checksum${algorithm.toUpperCase()}`
}

export function checksumElements(): string[] {
  return Object.keys(ALGORITHMS).map((name) => `Checksum${name.toUpperCase()}`)
}

/** @throws InvalidRequest unless the text is base64 of as many bytes as the algorithm gives */
export function checkChecksumForm(algorithm: ChecksumAlgorithm, value: string): void {
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length !== ALGORITHMS[algorithm].bytes || bytes.toString('base64') !== value) {
    throw invalidRequest(`Value for ${headerOf(algorithm)} header is invalid.`)
  }
}

/** @throws BadDigest */
export function checkDigest(what: string, claimed: string, actual: string): void {
  if (claimed !== actual) {
    throw new S3Error(
      400,
      'BadDigest',
      `The ${what} you specified did not match the calculated checksum: ${claimed} was sent, the body has ${actual}`,
    )
  }
}

/** The checksum of checksums that S3 gives an object of several parts, over the raw bytes of theirs. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, parts: string[]): string {
  const digest = createDigest(algorithm)
  for (const part of parts) digest.update(Buffer.from(part, 'base64'))
  return `${digest.digest().toString('base64')}-${parts.length}`
}

function crc32Digest(): Digest {
  let value = 0
  return {
    update: (bytes) => (value = crc32(bytes, value)),
    digest: () => fourBytes(value),
  }
}

// The reversed Castagnoli polynomial 0x1EDC6F41, RFC 3720 appendix B.4.
const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value
})

function crc32cDigest(): Digest {
  let value = 0xffffffff
  return {
    update(bytes) {
      for (const byte of bytes) value = (value >>> 8) ^ (CRC32C_TABLE[(value ^ byte) & 0xff] ?? 0)
    },
    digest: () => fourBytes((value ^ 0xffffffff) >>> 0),
  }
}

// CRC-64/NVME: the reversed polynomial 0xAD93D23594C93659, NVM Express command set specification, "64b CRC". Halves, because JavaScript's
// integers of 64 bits are some fifty times slower.
const CRC64NVME_HIGH = new Uint32Array(256)
const CRC64NVME_LOW = new Uint32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let high = 0
  let low = byte
  for (let bit = 0; bit < 8; bit++) {
    const odd = low & 1
    low = (low >>> 1) | (high << 31)
    high >>>= 1
    if (odd) {
      high ^= 0x9a6c9329
      low ^= 0xac4bc9b5
    }
  }
  CRC64NVME_HIGH[byte] = high
  CRC64NVME_LOW[byte] = low
}

function crc64nvmeDigest(): Digest {
  let high = -1
  let low = -1
  return {
    update(bytes) {
      for (const byte of bytes) {
        const index = (low ^ byte) & 0xff
        low = ((low >>> 8) | (high << 24)) ^ (CRC64NVME_LOW[index] ?? 0)
        high = (high >>> 8) ^ (CRC64NVME_HIGH[index] ?? 0)
      }
    },
    digest: () => Buffer.concat([fourBytes(~high >>> 0), fourBytes(~low >>> 0)]),
  }
}

function fourBytes(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
