import { type Command, InvalidArgumentError } from 'commander'
import type { Deployment } from '../deployment.ts'
import { changeKeys, resign, showKeys } from './keys.ts'

/** Adds `hearth keys …`. */
export function addKeysCommand(
  hearth: Command,
  deployment: () => Promise<Deployment>,
  asJson: () => boolean,
): void {
  const keys = hearth
    .command('keys')
    .description('the keys that sign the cache; they are made inside of Publish, and nobody ever sees one')
  keys
    .command('create')
    .description('make the first key')
    .option('--name <name>', 'its name, such as cache.example.org-1; the deployment’s and -1 by default')
    .action(async ({ name }: { name?: string }) =>
      changeKeys(await deployment(), { change: 'create', name }, asJson()),
    )
  keys
    .command('list')
    .description('the keys of the present and the past, and how far re-signing is')
    .action(async () => showKeys(await deployment(), asJson()))
  keys
    .command('rotate')
    .description('make a key that signs beside the others from now on')
    .action(async () => changeKeys(await deployment(), { change: 'rotate' }, asJson()))
  keys
    .command('resign')
    .description('add the signatures that published paths lack; goes on where it was stopped')
    .option('--rate <writes>', 'narinfos written in a second', positive, 100)
    .option('--wait', 'follow it to its end; exit 1 if a path is signed by none of our keys')
    .action(async ({ rate, wait = false }: { rate: number; wait?: boolean }) => {
      process.exitCode = await resign(await deployment(), { rate, wait }, asJson())
    })
  keys
    .command('retire')
    .description('stop signing with a key, once no client needs it')
    .argument('<name>', 'as `hearth keys list` names it')
    .option('--force', 'although clients may still need it')
    .action(async (name: string, { force = false }: { force?: boolean }) =>
      changeKeys(await deployment(), { change: 'retire', name, force }, asJson()),
    )
}

function positive(text: string): number {
  const value = Number(text)
  if (!(value >= 0.1 && value <= 1000)) throw new InvalidArgumentError('expected a number from 0.1 to 1000')
  return value
}
