import { Command, CommanderError } from 'commander'
import { describeError } from '../functions/shared/errors.ts'
import { checkConfig, pushConfig } from './hearth/config.ts'
import { findDeployment, type DeploymentOptions } from './hearth/deployment.ts'
import { examples } from './hearth/examples.ts'
import { addGitHubCommand } from './hearth/github/command.ts'
import { addGraphCommand } from './hearth/graph-command.ts'
import { addHitsCommand } from './hearth/hits/command.ts'
import { addIndexCommand } from './hearth/index-command.ts'
import { addKeysCommand } from './hearth/keys/command.ts'
import { showGantt } from './hearth/run/gantt.ts'
import { printLog } from './hearth/run/log.ts'
import { showRun } from './hearth/run/show.ts'
import { watchRun } from './hearth/run/watch.ts'
import { addVerifyCommand } from './hearth/verify/command.ts'
import { addWorkerCommand } from './hearth/worker/command.ts'
import { addWarmCommand } from './hearth/warm.ts'

/** The operator's command line. Exit codes: 0 fine, 1 the run or the work failed, 2 the command was wrong. */
const hearth = new Command('hearth')
  .description('Keeps Nix developer shells warm.')
  .option('--stage <stage>', 'the deployment, as given to `serverless deploy --stage`', 'prod')
  .option('--local', 'the system that `npm run demo -- --keep` left running on this machine')
  .option('--folder <folder>', 'where the local system keeps its state', '.hearth/demo/aws')
  .option('--json', 'print one JSON document')
  .exitOverride()
  .addHelpText(
    'after',
    examples(
      ['github setup --org acme', 'a GitHub App for this deployment'],
      ['config push', 'hearth.yml is what runs use from now on'],
      ['warm acme/shells main --wait', 'a run by hand'],
      ['run show <run>', 'how it ended'],
      ['hits acme/shells --since 30d', 'where its paths came from'],
    ),
  )

const deployment = () => findDeployment(hearth.opts<DeploymentOptions>())
const asJson = (): boolean => hearth.opts<{ json?: boolean }>().json === true

addWarmCommand(hearth, deployment, asJson)

const run = hearth.command('run').description('what a run did')
run
  .command('show')
  .description('how it ended, or how it stands')
  .argument('<run>', "the execution's name")
  .option('--gantt [file]', 'who built what when instead, as text; with a file as SVG, too')
  .action(async (name: string, { gantt }: { gantt?: string | true }) => {
    if (gantt === undefined) process.exitCode = await showRun(await deployment(), name, asJson())
    else
      await showGantt(await deployment(), name, { file: gantt === true ? undefined : gantt, json: asJson() })
  })

run
  .command('watch')
  .description('what it is doing, until it ends')
  .argument('<run>', "the execution's name")
  .action(async (name: string) => {
    process.exitCode = await watchRun(await deployment(), name, { json: asJson() })
  })
run
  .command('log')
  .description("a build's log")
  .argument('<run>', "the execution's name")
  .argument('<derivation>', 'its .drv path, or a part of its name')
  .action(async (name: string, derivation: string) => printLog(await deployment(), name, derivation))

const config = hearth.command('config').description('hearth.yml')
config
  .command('check')
  .argument('[file]', 'the file to check', 'hearth.yml')
  .action((file: string) => checkConfig(file, asJson()))
config
  .command('push')
  .description('check it, and make it what the next run uses')
  .argument('[file]', 'the file to push', 'hearth.yml')
  .action(async (file: string) => pushConfig(await deployment(), file, asJson()))

addGitHubCommand(hearth, deployment, asJson)
addGraphCommand(hearth, deployment)
addKeysCommand(hearth, deployment, asJson)
addVerifyCommand(hearth, deployment, asJson)
addWorkerCommand(hearth, deployment, () => hearth.opts<DeploymentOptions>().stage)
addIndexCommand(hearth, deployment, asJson)
addHitsCommand(hearth, deployment, asJson)

try {
  await hearth.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    const { name, message } = describeError(error)
    console.error(`${name}: ${message}`)
    process.exitCode = 1
  }
}
