import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'vitest'

/** A Nix that tests can have a client of. */
export interface AvailableNix {
  /** as it stands in the names of tests */
  name: string
  /** of the Linux that has it; undefined for the Nix on PATH */
  root: string | undefined
}

class NoSuchNix extends Error {
  override name = 'NoSuchNix'
}

const newer = process.env['HEARTH_NEWER_NIX']
if (newer !== undefined && !existsSync(join(newer, 'usr/bin/nix-store')))
  throw new NoSuchNix(
    `HEARTH_NEWER_NIX is ${newer}, and there is no ${newer}/usr/bin/nix-store: npm run newer-nix -- ${newer}`,
  )

/** @param root of the Linux that has it; the Nix on PATH may be installed later, before the first test */
function versionOf(root?: string): string {
  // Nix looks for itself in /proc
  const inRoot = [
    '--mount',
    'bash',
    '-c',
    'mount -t proc proc "$0/proc" && exec chroot "$0" nix-store --version',
  ]
  const { stdout } =
    root === undefined
      ? spawnSync('nix-store', ['--version'], { encoding: 'utf8' })
      : spawnSync('unshare', [...inRoot, root], { encoding: 'utf8' })
  return / (\d[\w.]*)$/m.exec(stdout ?? '')?.[1] ?? (root === undefined ? 'on PATH' : `of ${root}`)
}

/**
 * The Nix on PATH, and a newer one in the folder that HEARTH_NEWER_NIX names: `npm run newer-nix` makes it, and .ci/run does.
 * Without it there are no tests of it: a test that is skipped says nothing, and CI takes none.
 */
const NIXES: AvailableNix[] = [
  { name: `Nix ${versionOf()}`, root: undefined },
  ...(newer === undefined ? [] : [{ name: `Nix ${versionOf(newer)}`, root: newer }]),
]

/** Tests for each Nix, with what they share. */
export function describeEachNix(name: string, tests: (nix: AvailableNix) => void): void {
  for (const nix of NIXES) describe(`${name}: ${nix.name}`, () => tests(nix))
}

/** A test for each Nix. */
export function testEachNix(name: string, run: (nix: AvailableNix) => Promise<void>): void {
  for (const nix of NIXES) test(`${name}: ${nix.name}`, () => run(nix))
}
