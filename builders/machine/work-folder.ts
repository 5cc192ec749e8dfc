import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A temporary folder of one job; everything that the job leaves on disk, apart from the Nix store, is in it. */
export interface WorkFolder {
  path: string
  /** HOME of the processes that the builder starts: empty at first */
  home: string
  remove(): void
}

export function makeWorkFolder(): WorkFolder {
  const path = mkdtempSync(join(tmpdir(), 'hearth-'))
  const home = join(path, 'home')
  mkdirSync(home)
  return { path, home, remove: () => rmSync(path, { recursive: true, force: true }) }
}
