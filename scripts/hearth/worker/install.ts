import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { HearthError } from '../../../functions/shared/errors.ts'
import type { WorkerOptions } from './command.ts'
import { type Daemon, labelOf, logFile, plistFile, plistOf } from './launchd.ts'
import { ownSystems } from './run.ts'

/** `--apply` where there is no launchd, or without the right to. */
export class CannotInstall extends HearthError {
  override name = 'CannotInstall'
}

// What the worker needs of the environment that it is installed from; nothing that is a secret belongs into a file that everybody may read.
const PASSED_ON = ['AWS_PROFILE', 'AWS_REGION', 'AWS_CONFIG_FILE', 'HEARTH_SANDBOX', 'HEARTH_ZSTD_LEVEL']
// Where installers put Nix, and macOS its own programs.
const PATH = '/nix/var/nix/profiles/default/bin:/run/current-system/sw/bin:/usr/bin:/bin:/usr/sbin:/sbin'

/** `hearth worker install` */
export async function installWorker(
  stage: string,
  options: WorkerOptions & { apply?: boolean; user?: string },
): Promise<void> {
  const { jobs, system, apply = false, user = userInfo().username } = options
  const systems = system.length > 0 ? system : ownSystems(process.platform, process.arch)
  const script = fileURLToPath(new URL('../../hearth.mjs', import.meta.url))
  const flags = ['--jobs', String(jobs), ...systems.flatMap((name) => ['--system', name])]
  const passedOn = PASSED_ON.flatMap((name) => pair(name, process.env[name]))
  const text = plistOf({
    stage,
    user,
    // launchd kills what does not end soon: what it stops hands its batches back
    command: [process.execPath, script, '--stage', stage, 'worker', ...flags, '--hand-back'],
    environment: { PATH, ...Object.fromEntries(passedOn) },
  } satisfies Daemon)
  const file = plistFile(stage)
  if (apply) {
    checkRights()
    await writeFile(file, text, { mode: 0o644 })
    await launchctl('bootstrap', 'system', file)
    console.log(
      `${labelOf(stage)} is running, and starts with this Mac; it says what it does in ${logFile(stage)}`,
    )
    return
  }
  console.log(text)
  console.error(`This is ${file}: launchd starts a worker with this Mac, as ${user}, and again 5 minutes after it fails.
It needs a profile of AWS that assumes the WorkerRole with a role_session_name of its own (AWS_PROFILE ${process.env['AWS_PROFILE'] ?? 'is not set'}),
and ${user} must be one of Nix's trusted-users. It says what it does in ${logFile(stage)}.
With --apply, as root, it is written and loaded: launchctl bootstrap system ${file}`)
}

/** `hearth worker uninstall` */
export async function uninstallWorker(stage: string, apply: boolean): Promise<void> {
  const file = plistFile(stage)
  if (!apply) {
    console.log(`launchctl bootout system/${labelOf(stage)}\nrm ${file}`)
    return
  }
  checkRights()
  await launchctl('bootout', `system/${labelOf(stage)}`)
  await rm(file)
  console.log(`${labelOf(stage)} has handed back what it had, and is gone`)
}

function pair(name: string, value: string | undefined): [string, string][] {
  return value === undefined || value === '' ? [] : [[name, value]]
}

function checkRights(): void {
  if (process.platform !== 'darwin') throw new CannotInstall('only macOS has launchd')
  if (process.getuid?.() !== 0)
    throw new CannotInstall('what launchd starts without anybody signed in is installed as root: use sudo')
}

async function launchctl(...args: string[]): Promise<void> {
  try {
    await promisify(execFile)('launchctl', args)
  } catch (error) {
    throw new CannotInstall(
      `launchctl ${args.join(' ')}: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}
