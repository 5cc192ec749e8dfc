import { execFile } from 'node:child_process'
import { access, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** This machine lacks what the demo needs, and it could not be installed. */
export class PrerequisiteMissing extends Error {
  override name = 'PrerequisiteMissing'
}

/** A program that the demo needs, and the package of Debian and Ubuntu that has it. */
interface Prerequisite {
  program: string
  package: string
  purpose: string
}

const PREREQUISITES: Prerequisite[] = [
  { program: 'nix-store', package: 'nix-bin', purpose: 'Nix itself' },
  { program: 'git', package: 'git', purpose: 'the company repository' },
  { program: 'unshare', package: 'util-linux', purpose: 'gives every machine of the demo a /nix of its own' },
  { program: 'bash-static', package: 'bash-static', purpose: 'the shell of the example flake' },
  { program: 'busybox', package: 'busybox-static', purpose: 'the programs of the example flake' },
]

/**
 * Makes sure that everything the demo starts is there. As root on Debian or Ubuntu it installs what is missing, and says so.
 * @throws PrerequisiteMissing naming the remedy
 */
export async function ensurePrerequisites(say: (line: string) => void): Promise<void> {
  if (process.platform !== 'linux')
    throw new PrerequisiteMissing(
      'the demo needs Linux: it gives every machine a /nix of its own with a mount namespace',
    )
  if (process.getuid?.() !== 0)
    throw new PrerequisiteMissing(
      'the demo needs root: it mounts a /nix for every machine, in namespaces that nobody else sees. Run it with sudo.',
    )
  const missing = await missingPrerequisites()
  if (missing.length > 0) await install(missing, say)
  const nix = await whereIs('nix-store')
  if (nix?.startsWith('/nix/') === true)
    throw new PrerequisiteMissing(
      `Nix lies in /nix itself (${nix}), which every machine of the demo replaces by its own: install Nix outside of /nix, on Debian with \`apt-get install nix-bin\``,
    )
  await run('mkdir', ['-p', '/nix'])
}

async function missingPrerequisites(): Promise<Prerequisite[]> {
  const found = await Promise.all(PREREQUISITES.map(({ program }) => whereIs(program)))
  return PREREQUISITES.filter((_, index) => found[index] === undefined)
}

async function install(missing: Prerequisite[], say: (line: string) => void): Promise<void> {
  const packages = missing.map((prerequisite) => prerequisite.package)
  const wanted = missing.map(({ program, purpose }) => `${program} (${purpose})`).join(', ')
  if (!(await isDebian()))
    throw new PrerequisiteMissing(
      `missing: ${wanted}. Install them; on Debian: apt-get install ${packages.join(' ')}`,
    )
  say(`installing ${packages.join(', ')}: this machine lacks ${wanted}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  try {
    await run('apt-get', ['update'], { env })
    await run('apt-get', ['install', '-y', '--no-install-recommends', ...packages], { env })
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string }
    throw new PrerequisiteMissing(`apt-get could not install ${packages.join(' ')}: ${stderr.trim()}`)
  }
}

async function isDebian(): Promise<boolean> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
  return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(release)
}

/** The path of a program that a shell would run. */
export async function whereIs(program: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, program)
    const isThere = await access(file).then(
      () => true,
      () => false,
    )
    if (isThere) return file
  }
  return undefined
}
