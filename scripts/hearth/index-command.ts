import type { Command } from 'commander'
import type { Deployment } from './deployment.ts'
import { runExecution } from './follow-execution.ts'

/** Adds `hearth index rebuild`. */
export function addIndexCommand(
  hearth: Command,
  deployment: () => Promise<Deployment>,
  asJson: () => boolean,
): void {
  hearth
    .command('index')
    .description('what is known of the cache without asking it')
    .command('rebuild')
    .description('have it made again from the cache itself; harmless at any time')
    .action(async () => {
      const { sfn, indexStateMachine } = await deployment()
      const rebuilt = await runExecution<{ narinfos: number }>(sfn, indexStateMachine, 'rebuild', {})
      process.stdout.write(
        asJson() ? `${JSON.stringify(rebuilt)}\n` : `the index knows ${rebuilt.narinfos} narinfos\n`,
      )
    })
}
