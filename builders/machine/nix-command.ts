import { NixFailed } from './errors.ts'
import { lastError } from './nix-errors.ts'
import { type Output, runProcess } from './processes.ts'

/**
 * What Nix and git inherit from the builder's environment: how to find programs, the machine's Nix configuration, certificates and proxies. Everything
 * else stays out, above all AWS credentials and HEARTH_*: Nix hands its environment to hooks and fetchers, and flake code can make it print things.
 */
const INHERITED = [
  'PATH',
  'TMPDIR',
  'NIX_CONFIG',
  'NIX_CONF_DIR',
  'NIX_REMOTE',
  'NIX_STATE_DIR',
  'NIX_DAEMON_SOCKET_PATH',
  'NIX_SSL_CERT_FILE',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'LOCALE_ARCHIVE',
  'http_proxy',
  'https_proxy',
  'all_proxy',
  'no_proxy',
]

/**
 * The environment of every process that the builder starts.
 * @param home an empty folder of the builder's own: Nix keeps its narinfo cache and its fetched inputs there
 */
export function cleanEnvironment(home: string, inherited: NodeJS.ProcessEnv): Record<string, string> {
  const environment: Record<string, string> = {
    HOME: home,
    XDG_CACHE_HOME: `${home}/.cache`,
    LC_ALL: 'C.UTF-8',
  }
  for (const name of INHERITED) {
    const value = inherited[name]
    if (value !== undefined) environment[name] = value
  }
  return environment
}

/** Nix settings as `--option` flags: they win over nix.conf and NIX_CONFIG one by one, and leave the machine's other settings alone. */
export function options(settings: Record<string, string>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['--option', name, value])
}

/**
 * Runs a command of Nix that has no reason to fail.
 * @returns its standard output
 * @throws NixFailed with the command and Nix's error
 */
export async function nix(
  program: string,
  args: string[],
  environment: Record<string, string>,
): Promise<string> {
  const output = await runProcess(program, args, { environment })
  if (output.status !== 0) throw nixFailed([program, ...args], output)
  return output.stdout
}

/** The error for a command of Nix that ended badly. */
export function nixFailed(
  command: string[],
  output: Pick<Output, 'status' | 'signal' | 'stderr'>,
): NixFailed {
  const shown = command.slice(0, 4).join(' ') + (command.length > 4 ? ' …' : '')
  const how = output.signal === null ? `ended with status ${output.status}` : `was killed by ${output.signal}`
  return new NixFailed(`${shown} ${how}: ${lastError(output.stderr) || 'it said nothing'}`)
}

// Store paths have at most 255 bytes; Linux gives arguments and environment 2 MiB together, macOS 1 MiB.
const PATHS_PER_COMMAND = 2000

/** Store paths in portions that fit on a command line, in their order. */
export function portions<T>(paths: T[]): T[][] {
  const portions: T[][] = []
  for (let start = 0; start < paths.length; start += PATHS_PER_COMMAND) {
    portions.push(paths.slice(start, start + PATHS_PER_COMMAND))
  }
  return portions
}

/** The version of Nix, such as `2.34.8`. */
export async function nixVersion(environment: Record<string, string>): Promise<string> {
  const text = await nix('nix-store', ['--version'], environment)
  return /\d+\.\d+\S*/.exec(text)?.[0] ?? text.trim()
}
