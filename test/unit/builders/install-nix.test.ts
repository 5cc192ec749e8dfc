import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

/*
 * A machine that says it is a Mac, as far as a shell script can see: its own `uname` and `sudo`, no `sha256sum`, and a release whose installer tells what it was told.
 */

const SYSTEM_PROGRAMS = [
  'cat',
  'curl',
  'cut',
  'env',
  'id',
  'ln',
  'mktemp',
  'rm',
  'sed',
  'sh',
  'shasum',
  'tar',
  'tr',
  'xz',
]
const RELEASE = 'nix-2.34.8-aarch64-darwin'

function pathOf(program: string): string {
  return execFileSync('sh', ['-c', 'command -v "$0"', program], { encoding: 'utf8' }).trim()
}

/**
 * Sources install-nix.sh on such a machine, and tells all that was printed.
 * @param isKept whether an earlier build has installed Nix there
 */
function install(more: Record<string, string> = {}, isKept = false): string {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-mac-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [bin, releases, contents] = ['bin', 'releases/nix-2.34.8', `contents/${RELEASE}`].map((name) => {
    const made = join(folder, name)
    mkdirSync(made, { recursive: true })
    return made
  }) as [string, string, string]
  const program = (name: string, text: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`)
    chmodSync(join(bin, name), 0o755)
  }
  for (const name of SYSTEM_PROGRAMS) symlinkSync(pathOf(name), join(bin, name))
  program('uname', 'if [ "$1" = -m ]; then echo arm64; else echo Darwin; fi')
  program('sudo', 'echo "as root: $*"')
  program('../nix-store', 'echo "nix-store 2.34.8"')
  const daemonBin = join(folder, 'daemon')
  mkdirSync(daemonBin)
  if (isKept) symlinkSync(join(folder, 'nix-store'), join(daemonBin, 'nix-store'))
  writeFileSync(
    join(contents, 'install'),
    `echo "installer: $1 $2 $3"; cat "$5"; ln -s ${folder}/nix-store ${daemonBin}/nix-store\n`,
  )
  const tarball = join(releases, `${RELEASE}.tar.xz`)
  execFileSync('tar', ['-cJf', tarball, '-C', join(folder, 'contents'), RELEASE])
  execFileSync('sh', ['-c', 'sha256sum "$0" | cut -d" " -f1 > "$0.sha256"', tarball])
  const environment = {
    PATH: bin,
    HOME: folder,
    HEARTH_NIX_VERSION: '2.34.8',
    HEARTH_NIX_DAEMON_BIN: daemonBin,
    HEARTH_NIX_RELEASES: `file://${folder}/releases`,
    ...more,
  }
  const script = `{ cd builders; . ./install-nix.sh; } 2>&1; echo "ended with $?"`
  return execFileSync(join(bin, 'sh'), ['-c', script], { env: environment, encoding: 'utf8' })
}

test('a Mac gets the release for its processor, by the installer that makes its volume, its users and its daemon', () => {
  const printed = install()
  expect(printed).toContain('installer: --daemon --yes --no-channel-add\n')
  expect(printed).toMatch(/^trusted-users = root \w+$/m)
  expect(printed).toMatch(/^as root: ln -sf \S+\/daemon\/nix-store \/usr\/local\/bin\/$/m)
  expect(printed).toMatch(/nix-store 2\.34\.8\nended with 0\n$/)
})

test('a Mac that has kept Nix from an earlier build goes on with it', () => {
  expect(install({}, true)).toBe('Nix is here: nix-store 2.34.8\nended with 0\n')
})

test('a release with another hash is not installed', () => {
  const printed = install({ HEARTH_NIX_SHA256: '0'.repeat(64) })
  expect(printed).not.toContain('installer:')
  expect(printed).toContain(`${RELEASE}.tar.xz has not the SHA-256 ${'0'.repeat(64)}: not installed`)
  expect(printed).toMatch(/ended with 1\n$/)
})
