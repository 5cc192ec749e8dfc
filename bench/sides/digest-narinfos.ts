import { createHash } from 'node:crypto'
import { fingerprint, parseNarInfo } from '../../nix/narinfo.ts'
import { parseSecretKey, publicKeyOf, verify } from '../../nix/signature.ts'
import { hashPartOf } from '../../nix/store-path.ts'
import { readFileSync } from 'node:fs'
import { smallPaths } from '../small-paths.ts'

/**
 * Prints one hash over what a binary cache says of the small paths; fails unless every one of them is there, signed with the key.
 * Arguments: the cache's URL, the secret key's file, how many.
 */
const [url = '', keyFile = '', count = '0'] = process.argv.slice(2)
const key = publicKeyOf(parseSecretKey(readFileSync(keyFile, 'utf8')))
const hash = createHash('sha256')
for (const { path } of smallPaths(Number(count))) {
  const response = await fetch(`${url}/${hashPartOf(path)}.narinfo`)
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  const info = parseNarInfo(await response.text())
  const text = fingerprint(info)
  if (!info.signatures.some((signature) => verify(text, signature, [key]) !== undefined))
    throw new Error(`${path} is not signed`)
  hash.update(`${text} ${info.deriver}\n`)
}
process.stdout.write(`${hash.digest('hex')}\n`)
