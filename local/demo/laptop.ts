import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { allowSubstitutes } from '../../nix/derivation-attributes.ts'
import { parseDerivation } from '../../nix/derivation.ts'
import type { GitHub, Repository } from '../github/github.ts'
import type { DemoMachine } from './machine.ts'
import { readNixOutput } from './nix-output.ts'
import { mustSucceed, onMachine } from './on-machine.ts'

/** How entering one shell went, by Nix's own words. */
export interface EnteredShell {
  system: string
  shell: string
  ok: boolean
  /** what the command in the shell printed */
  printed: string
  downloaded: { path: string; from: string }[]
  /** the local `-env` derivation: `nix develop` makes it on every machine */
  environment: string[]
  /** built because `allowSubstitutes = false` asks for it */
  alwaysLocal: string[]
  /** everything else that was built: what Hearth exists to prevent */
  compiled: string[]
  /** Nix's standard error, when something went wrong */
  complaint?: string
}

/** Enters a shell as a developer does, runs a command in it, and says what Nix had to do for that. */
export async function enterShell(
  laptop: DemoMachine,
  checkout: string,
  system: string,
  shell: string,
  command: string[],
): Promise<EnteredShell> {
  const installable = `${checkout}#devShells.${system}.${shell}`
  const { status, stdout, stderr } = await onMachine(laptop, [
    'nix',
    'develop',
    installable,
    '--command',
    ...command,
  ])
  const { downloaded, built } = readNixOutput(stderr)
  const entered: EnteredShell = {
    system,
    shell,
    ok: status === 0,
    printed: stdout.trim(),
    downloaded,
    environment: [],
    alwaysLocal: [],
    compiled: [],
  }
  for (const drvPath of built) entered[await whyBuilt(laptop, drvPath)].push(drvPath)
  return entered.ok && entered.compiled.length === 0 ? entered : { ...entered, complaint: stderr.trim() }
}

async function whyBuilt(
  laptop: DemoMachine,
  drvPath: string,
): Promise<'environment' | 'alwaysLocal' | 'compiled'> {
  if (drvPath.endsWith('-env.drv')) return 'environment'
  const drv = parseDerivation(await readFile(join(laptop.folder, drvPath), 'utf8'))
  return allowSubstitutes(drv) ? 'compiled' : 'alwaysLocal'
}

/** Which laptop clones what from where, and as whom. */
interface CheckedOut {
  laptop: DemoMachine
  github: GitHub
  repository: Repository
  developerToken: string
}

/** Clones the company's repository onto the laptop, or brings the clone up to date, with the developer's own token. */
export async function checkOut({ laptop, github, repository, developerToken }: CheckedOut): Promise<string> {
  const checkout = join(laptop.folder, 'home', 'shells')
  const basic = Buffer.from(`ada:${developerToken}`).toString('base64')
  const git = ['git', '-c', `http.${github.url}/.extraHeader=Authorization: Basic ${basic}`]
  const { status } = await onMachine(laptop, [...git, '-C', checkout, 'pull', '--quiet', '--ff-only'])
  if (status !== 0)
    await mustSucceed(laptop, [
      ...git,
      'clone',
      '--quiet',
      `${github.url}/${repository.fullName}.git`,
      checkout,
    ])
  return checkout
}

/** The bridge on the laptop: an ordinary binary cache to Nix, the developer's own AWS credentials to S3. */
export interface LaptopBridge {
  url: string
  close: () => Promise<void>
}

/** @param environment AWS settings of a principal that may read the cache, and HEARTH_CACHE_BUCKET */
export async function startLaptopBridge(
  builderBundle: string,
  environment: Record<string, string>,
): Promise<LaptopBridge> {
  const child = spawn(process.execPath, [builderBundle, 'bridge'], {
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return { url: await announcedUrl(child), close: () => stop(child) }
}

async function announcedUrl(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the bridge has no standard output')
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
    if (url !== undefined) return url
  }
  throw new Error('the bridge ended without saying where it serves the cache')
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
