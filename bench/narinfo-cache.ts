import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeBase32 } from '../nix/base32.ts'
import { sha256Nix32 } from '../nix/hash.ts'
import { formatNarInfo, type NarInfo } from '../nix/narinfo.ts'
import { fromBaseName, hashPartOf, type StorePath } from '../nix/store-path.ts'

/**
 * Writes a binary cache of unsigned narinfos, without NARs, into a new folder. Each refers to 6 others; the same call writes the same bytes.
 * @returns how many bytes the narinfos have
 */
export function writeNarInfoCache(folder: string, count: number): number {
  mkdirSync(folder)
  writeFileSync(join(folder, 'nix-cache-info'), 'StoreDir: /nix/store\n')
  let bytes = 0
  for (let index = 0; index < count; index++) {
    const text = formatNarInfo(narInfo(index, count))
    bytes += text.length
    writeFileSync(join(folder, `${hashPartOf(storePath(index))}.narinfo`), text)
  }
  return bytes
}

/**
 * Checks that two binary caches have the same narinfos, byte for byte, each signed once.
 * @throws Error which names the first that differs
 */
export function compareSignedCaches(one: string, other: string): void {
  const names = readdirSync(one).filter((name) => name.endsWith('.narinfo'))
  for (const name of names) {
    const [text, otherText] = [one, other].map((folder) => readFileSync(join(folder, name), 'utf8'))
    if (text === undefined || text !== otherText) throw new Error(`${name} differs:\n${text}\n${otherText}`)
    if (text.split('\nSig: ').length !== 2) throw new Error(`${name} is not signed once:\n${text}`)
  }
}

function narInfo(index: number, count: number): NarInfo {
  const references = Array.from({ length: 6 }, (_, k) => storePath((index + k * k * 17) % count))
  const fileHash = sha256Nix32(Buffer.from(`file ${index}`))
  return {
    storePath: storePath(index),
    url: `nar/${fileHash.slice('sha256:'.length)}.nar.zst`,
    compression: 'zstd',
    fileHash,
    fileSize: 1000 + index,
    narHash: sha256Nix32(Buffer.from(`nar ${index}`)),
    narSize: 4096 + index * 8,
    references,
    deriver: fromBaseName(`${hashPartOf(storePath(index + count))}-package-${index}-1.2.3.drv`),
    signatures: [],
  }
}

function storePath(index: number): StorePath {
  const digest = createHash('sha256').update(`path ${index}`).digest().subarray(0, 20)
  return fromBaseName(`${encodeBase32(digest)}-package-${index}-1.2.3`)
}
