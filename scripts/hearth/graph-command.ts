import type { Command } from 'commander'
import { HearthError } from '../../functions/shared/errors.ts'
import { ObjectNotFound } from '../../functions/shared/objects.ts'
import { readSchedule } from '../../functions/shared/schedule-file.ts'
import type { Schedule } from '../../functions/shared/contract.ts'
import type { Deployment } from './deployment.ts'

export class NoSuchSchedule extends HearthError {
  override name = 'NoSuchSchedule'
}

/** Adds `hearth graph`. */
export function addGraphCommand(hearth: Command, deployment: () => Promise<Deployment>): void {
  hearth
    .command('graph')
    .description('the graph of a run')
    .command('export')
    .description('print what a run had to build, for `npm run simulate`')
    .argument('<run>', "the execution's name")
    .argument('[wave]', 'Plan’s look at the caches, from 1', '1')
    .action(async (run: string, wave: string, _options: unknown, command: Command) => {
      if (!/^[1-9][0-9]*$/.test(wave)) command.error(`error: a wave is a number from 1, not ${wave}`)
      process.stdout.write(`${JSON.stringify(await exportSchedule(await deployment(), run, Number(wave)))}\n`)
    })
}

/**
 * The schedule of one wave, without what only its machines need.
 * @throws NoSuchSchedule when the run has none
 */
export async function exportSchedule(
  { state }: Pick<Deployment, 'state'>,
  run: string,
  wave: number,
): Promise<Schedule> {
  try {
    const { version, derivations } = await readSchedule(state, run, wave)
    return { version, run, wave, derivations }
  } catch (error) {
    if (!(error instanceof ObjectNotFound)) throw error
    throw new NoSuchSchedule(
      `the run ${run} has no schedule of wave ${wave}: it had nothing to build then, or there is no such run`,
    )
  }
}
