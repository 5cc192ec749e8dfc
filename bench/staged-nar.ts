import { execFileSync } from 'node:child_process'
import { realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseHash } from '../nix/hash.ts'
import { type NarInfo, parseNarInfo } from '../nix/narinfo.ts'
import { bundleSide } from './bundle.ts'

/** A compressed NAR in a file, and its narinfo in another. */
export interface StagedNar {
  file: string
  narinfo: string
  info: NarInfo
  /** the NarHash as `sha256sum` prints it */
  sha256: string
}

// What this repository depends on: JavaScript, JSON, and a program of 100 MB; some 25,000 files. In a worktree it is a link.
const CONTENT = realpathSync(join(import.meta.dirname, '../node_modules'))

/**
 * Writes a NAR of this repository's `node_modules`, as often as it takes, or of another folder.
 * @param least bytes of its files
 */
export function writeStagedNar(
  folder: string,
  name: string,
  { least = 0, content = CONTENT }: { least?: number; content?: string } = {},
): StagedNar {
  const file = join(folder, `${name}.nar.zst`)
  const narinfo = join(folder, `${name}.narinfo`)
  const text = execFileSync(
    process.execPath,
    [bundleSide('write-nar', folder), file, content, String(least)],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  )
  writeFileSync(narinfo, text)
  const info = parseNarInfo(text)
  return { file, narinfo, info, sha256: Buffer.from(parseHash(info.narHash).digest).toString('hex') }
}
