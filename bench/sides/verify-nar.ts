import { createHash } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import type { S3Client } from '@aws-sdk/client-s3'
import pLimit from 'p-limit'
import { readStagedNar } from '../../functions/publish/read-staged-nar.ts'
import { encodeBase32 } from '../../nix/base32.ts'
import { InvalidNarInfo, parseNarInfo } from '../../nix/narinfo.ts'
import { fromBaseName, type StorePath } from '../../nix/store-path.ts'

// The run-time closure of the inputs of a larger package.
const CANDIDATES = 300

/**
 * Verifies a staged NAR exactly as Publish does, its bytes from a file instead of S3; prints the most memory that the process had, in KiB. It fails unless every
 * hash and size is that of the narinfo, and no candidate is referred to. Arguments: the NAR's file, the narinfo's file.
 */
const [file = '', narinfo = ''] = process.argv.slice(2)
const info = parseNarInfo(readFileSync(narinfo, 'utf8'))
if (info.fileHash === undefined || info.fileSize === undefined) throw new InvalidNarInfo('no FileHash')
// The one call that is made of it gets what S3 would have answered.
const s3 = { send: async () => ({ Body: createReadStream(file), ETag: '"file"' }) } as unknown as S3Client
const staged = { ...info, fileHash: info.fileHash, fileSize: info.fileSize }
const { references } = await readStagedNar(
  {
    staging: { s3, name: 'staging' },
    prefix: 'staging/build/',
    parcels: { has: () => false, find: async () => undefined, damage: undefined },
    maxNarSize: Infinity,
    largeNars: pLimit(1),
  },
  staged,
  candidates(),
)
if (references.length > 0) throw new Error(`it refers to ${references.join(', ')}`)
process.stdout.write(`${process.resourceUsage().maxRSS}\n`)

function candidates(): StorePath[] {
  return Array.from({ length: CANDIDATES }, (_, index) => {
    const digest = createHash('sha256').update(`path ${index}`).digest().subarray(0, 20)
    return fromBaseName(`${encodeBase32(digest)}-package-${index}`)
  })
}
