import { text } from 'node:stream/consumers'
import { type Command, InvalidArgumentError } from 'commander'
import type { Deployment } from '../deployment.ts'
import { examples } from '../examples.ts'
import { finishRotation, rotateSecret } from './rotate-secret.ts'
import { NoTokenGiven, printSteps, setUpApp, setUpToken, type SetupOptions } from './setup.ts'
import { showStatus } from './status.ts'

const say = (line: string): void => console.log(line)

/** Adds `hearth github …`. */
export function addGitHubCommand(
  hearth: Command,
  deployment: () => Promise<Deployment>,
  asJson: () => boolean,
): void {
  const github = hearth
    .command('github')
    .description('how Hearth and GitHub know each other: docs/github.md')
    .addHelpText(
      'after',
      examples(
        ['github setup --org acme', 'make a GitHub App, with a browser on this machine'],
        ['github setup --print', 'what to click instead, for an App or for plain webhooks'],
        ['github setup --token < file', 'plain webhooks and a token, without an App'],
        ['github status', 'what the credentials open, and what is missing'],
        ['github rotate-secret', 'a new webhook secret; then rotate-secret --finish'],
      ),
    )
  github
    .command('setup')
    .description('make a GitHub App for this deployment; its key is kept, and never shown')
    .option('--org <organization>', 'whose App it becomes; your own account by default')
    .option('--name <name>', 'of the App; it must be the only one of GitHub with that name')
    .option('--url <url>', 'where GitHub finds the webhook, if not at the address of the deployment itself')
    .option('--port <port>', 'of the page on this machine', port, 0)
    .option('--token', 'keep a token instead, which standard input has: for plain webhooks')
    .option('--print', 'print what to click instead')
    .option('--replace', 'although there are credentials already')
    .action(async (options: SetupOptions & { token?: boolean; print?: boolean }) => {
      const json = asJson()
      // standard output is for the one document
      const onPage = (url: string): void => void (json && console.error(`open ${url}`))
      const parts = { json, say, onPage }
      if (options.print === true) return printSteps(await deployment(), options, parts)
      if (options.token !== true) return setUpApp(await deployment(), options, parts)
      // what is typed would stand on the screen
      if (process.stdin.isTTY)
        throw new NoTokenGiven('a token is read from standard input: `hearth github setup --token < file`')
      return setUpToken(await deployment(), options, await text(process.stdin), parts)
    })
  github
    .command('status')
    .description('what credentials there are, and what they open; exit 1 if something is missing')
    .action(async () => {
      process.exitCode = await showStatus(await deployment(), asJson())
    })
  github
    .command('rotate-secret')
    .description('a new webhook secret, beside the one before it')
    .option('--finish', 'forget the one before it: GitHub has the new one')
    .action(async ({ finish }: { finish?: boolean }) =>
      (finish === true ? finishRotation : rotateSecret)(await deployment(), asJson(), say),
    )
}

function port(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError('expected a port')
  return value
}
