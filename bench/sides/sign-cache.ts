import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fingerprint, formatNarInfo, parseNarInfo } from '../../nix/narinfo.ts'
import { parseSecretKey, sign } from '../../nix/signature.ts'

/** Adds a signature to every narinfo of a binary cache in a folder, as `nix store sign --all` does. Arguments: the folder, the secret key's file. */
const [cache = '', keyFile = ''] = process.argv.slice(2)
const key = parseSecretKey(readFileSync(keyFile, 'utf8'))
for (const name of readdirSync(cache)) {
  if (!name.endsWith('.narinfo')) continue
  const file = join(cache, name)
  const info = parseNarInfo(readFileSync(file, 'utf8'))
  info.signatures.push(sign(fingerprint(info), key))
  // Nix writes a new file and renames it, too: a reader never sees half of one.
  writeFileSync(`${file}.new`, formatNarInfo(info))
  renameSync(`${file}.new`, file)
}
