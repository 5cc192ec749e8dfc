import { createHash } from 'node:crypto'
import { encodeBase32 } from '../../../nix/base32.ts'
import { fingerprint, formatNarInfo, type NarInfo } from '../../../nix/narinfo.ts'
import { type SecretKey, sign } from '../../../nix/signature.ts'
import { parseStorePath, type StorePath } from '../../../nix/store-path.ts'

/** References of each path: nixpkgs' own have about so many. */
const REFERENCES = 10

/** The path number so of a large synthetic cache. Its NAR has as many bytes as its number has digits. */
export function manyPath(number: number): StorePath {
  const digest = createHash('sha1').update(`path ${number}`).digest()
  return parseStorePath(`/nix/store/${encodeBase32(digest)}-package-${number}-1.0`)
}

/** The name of its NAR. */
export function narDigits(number: number): string {
  return encodeBase32(createHash('sha256').update(`nar ${number}`).digest())
}

/** Refers to itself and to paths with lower numbers, near ones and the first ones, as packages do. */
function manyNarInfo(number: number, key: SecretKey): NarInfo {
  const storePath = manyPath(number)
  const digits = narDigits(number)
  const lower = Array.from({ length: REFERENCES - 1 }, (_, index) =>
    index % 2 === 0 ? Math.floor(number / (index + 2)) : number - 1 - index * index,
  )
  const numbers = [...new Set([number, ...lower.filter((other) => other >= 0 && other < number)])]
  const info: NarInfo = {
    storePath,
    url: `nar/${digits}.nar.zst`,
    compression: 'zstd',
    fileHash: `sha256:${digits}`,
    fileSize: String(number).length,
    narHash: `sha256:${digits}`,
    narSize: 112 + number,
    references: numbers.map(manyPath).sort(),
    deriver: parseStorePath(`${storePath}.drv`),
    signatures: [],
  }
  return { ...info, signatures: [sign(fingerprint(info), key)] }
}

export function manyNarInfoText(number: number, key: SecretKey): string {
  return formatNarInfo(manyNarInfo(number, key))
}
