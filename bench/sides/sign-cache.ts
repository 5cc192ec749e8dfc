import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fingerprint, formatNarInfo, parseNarInfo } from '../../nix/narinfo.ts'
import { parseSecretKey, sign } from '../../nix/signature.ts'

/**
 * Adds a signature to every narinfo of a binary cache in a folder, as `nix store sign --all` does; prints the CPU seconds that fingerprints and
 * signatures alone took. Arguments: the folder, the secret key's file.
 */
const [cache = '', keyFile = ''] = process.argv.slice(2)
const key = parseSecretKey(readFileSync(keyFile, 'utf8'))
const files = readdirSync(cache)
  .filter((name) => name.endsWith('.narinfo'))
  .map((name) => join(cache, name))
const infos = files.map((file) => ({ file, info: parseNarInfo(readFileSync(file, 'utf8')) }))
const before = process.cpuUsage()
for (const { info } of infos) info.signatures.push(sign(fingerprint(info), key))
const { user, system } = process.cpuUsage(before)
for (const { file, info } of infos) {
  // Nix writes a new file and renames it, too: a reader never sees half of one.
  writeFileSync(`${file}.new`, formatNarInfo(info))
  renameSync(`${file}.new`, file)
}
process.stdout.write(`${(user + system) / 1e6}\n`)
