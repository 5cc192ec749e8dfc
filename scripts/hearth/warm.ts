import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { parseRunInput } from '../../functions/resolve/run-input.ts'
import { attributesFor, configurationFor } from '../../functions/resolve/refusal.ts'
import { currentConfig } from '../../functions/shared/config.ts'
import type { RunInput } from '../../functions/shared/contract.ts'
import { executionName, startRun } from '../../functions/shared/start-run.ts'
import type { Deployment } from './deployment.ts'
import { examples } from './examples.ts'
import { watchRun } from './run/watch.ts'

interface WarmOptions {
  commit?: string
  retryFailed?: true
  attributes?: string[]
  wait?: true
}

/** Adds `hearth warm`. Exit codes: 0 started (with --wait: the run ended well), 1 it did not, 2 the command asks for what cannot be warmed. */
export function addWarmCommand(
  hearth: Command,
  deployment: () => Promise<Deployment>,
  asJson: () => boolean,
): void {
  hearth
    .command('warm')
    .description('start a run for a branch or a tag')
    .argument('<repository>', 'owner/name, as in hearth.yml')
    .argument('[ref]', 'a branch, tags/v1, or a full ref', 'main')
    .option('--commit <sha>', 'this commit instead of the head')
    .option('--retry-failed', 'build again what failed before for a reason of its own')
    .option(
      '--attributes <attributes...>',
      'these instead of what hearth.yml names, with commas or blanks between them; the commit does not count as warm then',
      splitAtCommas,
    )
    .option('--wait', 'follow the run to its end; exit 1 if it ends badly')
    .addHelpText(
      'after',
      examples(
        ['warm acme/shells', 'its branch main'],
        ['warm acme/shells tags/v1 --wait', 'a tag, and wait for the end'],
        ['warm acme/shells main --retry-failed', 'once more, with what failed before'],
        ['warm acme/shells main --attributes devShells.ci,packages.cli', 'these alone'],
      ),
    )
    .action(async (repository: string, ref: string, { wait, ...options }: WarmOptions) => {
      const found = await deployment()
      const input = await checkedInput(found, { repository, ref, ...options })
      if (typeof input === 'string') {
        console.error(input)
        process.exitCode = 2
      } else process.exitCode = await warm(found, input, { wait: wait === true, json: asJson() })
    })
}

/** Both `--attributes a,b` and `--attributes a b`. */
function splitAtCommas(text: string, before: string[] = []): string[] {
  return [...before, ...text.split(',').filter((attribute) => attribute !== '')]
}

/**
 * The run's input, as Resolve will read it, under the configuration that it will read.
 * @returns what is wrong with it, in Resolve's words, when Resolve would refuse it
 * @throws ObjectNotFound when no configuration was ever pushed
 */
export async function checkedInput(
  { state }: Pick<Deployment, 'state'>,
  wanted: Partial<RunInput>,
): Promise<RunInput | string> {
  const { config } = await currentConfig(state)
  try {
    const input = parseRunInput({ trigger: 'hand', ...wanted })
    const configured = configurationFor(config, input)
    attributesFor(configured, input)
    return { ...input, repository: configured.name }
  } catch (error) {
    if (error instanceof Error && ['InvalidRunInput', 'NotConfigured'].includes(error.name))
      return `${error.name}: ${error.message}`
    throw error
  }
}

/** Starts a run, and with `wait` follows it. Returns the exit code. */
async function warm(
  deployment: Deployment,
  input: RunInput,
  { wait, json }: { wait: boolean; json: boolean },
): Promise<number> {
  const run = executionName('hand', input.repository, randomUUID())
  await startRun(deployment.sfn, deployment.warmStateMachine, run, input)
  if (!wait) {
    console.log(json ? JSON.stringify({ run }) : `started ${run}`)
    return 0
  }
  if (!json) console.log(`started ${run}, waiting for its end`)
  return watchRun(deployment, run, { json, isFresh: true })
}
