import { type Command, InvalidArgumentError } from 'commander'
import type { Deployment } from '../deployment.ts'
import { installWorker, uninstallWorker } from './install.ts'
import { runWorker, SYSTEMS } from './run.ts'

/** What one says to `hearth worker` and to `hearth worker install` alike. */
export interface WorkerOptions {
  jobs: number
  system: string[]
  handBack?: boolean
}

/** Adds `hearth worker …`. */
export function addWorkerCommand(
  hearth: Command,
  deployment: () => Promise<Deployment>,
  stage: () => string,
): void {
  const worker = withWorkerOptions(hearth.command('worker'))
    .description('build batches on this Mac, until it is stopped: docs/builders.md')
    .option('--hand-back', 'when it is stopped, hand back the batches that it has instead of finishing them')
    .action(async (options: WorkerOptions) => runWorker(await deployment(), options))
  withWorkerOptions(worker.command('install'))
    .description('print what makes launchd keep a worker running on this Mac; with --apply, do it')
    .option('--apply', 'write the file and load it; as root')
    .option('--user <name>', 'who the worker runs as: a trusted user of Nix', process.env['SUDO_USER'])
    .action(async (_: unknown, command: Command) =>
      installWorker(stage(), command.optsWithGlobals<WorkerOptions & { apply?: boolean; user?: string }>()),
    )
  worker
    .command('uninstall')
    .description('print how to end it; with --apply, do it')
    .option('--apply', 'unload it and remove the file; as root')
    .action(async ({ apply = false }: { apply?: boolean }) => uninstallWorker(stage(), apply))
}

function withWorkerOptions(command: Command): Command {
  return command
    .option('--jobs <number>', 'batches at once, of each system', positive, 1)
    .option('--system <system>', 'a system that this Mac builds; may be repeated', addSystem, [])
}

function positive(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('expected a number from 1 to 99')
  return Number(text)
}

function addSystem(text: string, before: string[]): string[] {
  if (!SYSTEMS.includes(text)) throw new InvalidArgumentError(`expected ${SYSTEMS.join(' or ')}`)
  return [...before, text]
}
