import { type Command, InvalidArgumentError } from 'commander'
import type { Deployment } from '../deployment.ts'
import { examples } from '../examples.ts'
import { formatHits, ratesOf } from './format-hits.ts'
import { listHits } from './list-hits.ts'

const MILLISECONDS_A_DAY = 86_400_000

/** Adds `hearth hits`. */
export function addHitsCommand(
  hearth: Command,
  deployment: () => Promise<Deployment>,
  asJson: () => boolean,
): void {
  hearth
    .command('hits')
    .description('where the paths of shells came from, and what had to be built')
    .argument('[repository]', 'owner/name, as in hearth.yml; all of them by default')
    .option('--since <days>', 'how far back, such as 30d or 4w', daysOf, 30)
    .addHelpText(
      'after',
      examples(
        ['hits', 'every repository, the last 30 days'],
        ['hits acme/shells --since 4w', 'one of them, four weeks'],
      ),
    )
    .action(async (repository: string | undefined, { since }: { since: number }) => {
      const first = new Date(Date.now() - (since - 1) * MILLISECONDS_A_DAY).toISOString().slice(0, 10)
      const hits = await listHits((await deployment()).state, first, repository)
      if (asJson()) {
        const shells = hits.map((shell) => ({ ...shell, rates: ratesOf(shell) }))
        process.stdout.write(`${JSON.stringify({ since: first, shells })}\n`)
      } else if (hits.length === 0)
        process.stdout.write(
          `no run since ${first} has planned anything${repository === undefined ? '' : ` for ${repository}`}\n`,
        )
      else process.stdout.write(`${formatHits(hits, process.stdout.isTTY)}\n`)
    })
}

/** Days, today among them. */
export function daysOf(text: string): number {
  const [, number = '', unit = ''] = /^([1-9]\d{0,3})([dw])$/.exec(text) ?? []
  if (unit === '') throw new InvalidArgumentError('expected days or weeks, such as 30d or 4w')
  return Number(number) * (unit === 'w' ? 7 : 1)
}
