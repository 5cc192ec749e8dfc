import { readdir, readFile } from 'node:fs/promises'
import type { RunSummary } from '../../functions/shared/contract.ts'
import { nameOf } from '../../nix/store-path.ts'
import type { Claims } from './claims.ts'
import { MAC_NAME } from './mac.ts'
import type { Chapter } from './story.ts'
import { MAC } from './world.ts'

/** What is to be true of the three runs: of their states, their builds and their machines. */
export async function claimRuns(claims: Claims, systems: string[], chapters: Chapter[]): Promise<void> {
  const known = await statesOfMachines()
  const summaries = chapters.map(({ run }) => run.summary)
  const strangers = chapters.flatMap(({ run }) => run.states.filter((state) => !known.has(state)))
  claims.claim(
    'every run ended done, and its execution SUCCEEDED',
    chapters.every(({ run }) => run.status === 'SUCCEEDED' && run.summary.verdict === 'done'),
    summaries.map(({ verdict, error }) => ({ verdict, error })),
  )
  claims.claim('the histories have no state that is not in statemachines/', strangers.length === 0, strangers)
  claims.claim(
    'the shell that is broken on purpose is reported with its own error, and hides none of the others',
    summaries.every(({ shells }) =>
      shells.every(({ attribute, status, reason }) =>
        attribute.endsWith('.broken')
          ? status === 'failed' && reason?.includes('broken on purpose') === true
          : status === 'warm',
      ),
    ),
    summaries.map(({ shells }) => shells),
  )
  const all = chapters.flatMap(({ run }) => run.tried)
  claims.claim('no derivation was built twice', new Set(all).size === all.length, all)
  const [, second, third] = summaries
  const changed = builtNames(second)
  claims.claim(
    'the second push built greeter and nothing else, once for each system',
    changed.join() === systems.map(() => 'greeter-1.0').join(),
    changed,
  )
  claims.claim(
    'the third push started no builder but the evaluator',
    third?.waves === 0 && chapters[2]?.run.batches.length === 0,
    third?.waves,
  )
  claimMachines(claims, chapters)
  claimImport(claims, chapters)
}

/** A Linux evaluator cannot build what the Mac's shell imports: it names it, and comes back when a Mac has built it. */
function claimImport(claims: Claims, chapters: Chapter[]): void {
  const [first] = chapters
  const given = (first?.run.batches ?? []).filter(({ job }) =>
    job.derivations.some(({ drvPath }) => drvPath.endsWith('-plan.nix.drv')),
  )
  const warm = first?.run.summary.shells.find(({ attribute }) => attribute === `devShells.${MAC}.planned`)
  claims.claim(
    'a plan that a Mac’s shell imports was built on the Mac, once, and then the evaluator, which is Linux, could evaluate that shell',
    given.length === 1 &&
      given[0]?.outcome?.machine?.endsWith(`:${MAC_NAME}`) === true &&
      warm?.status === 'warm',
    { given: given.map(({ job, outcome }) => [job.batch, outcome?.machine]), warm },
  )
}

function claimMachines(claims: Claims, chapters: Chapter[]): void {
  const batches = chapters.flatMap(({ run }) => run.batches)
  const strangers = batches.filter(({ job, outcome }) => {
    const isMac = outcome?.machine?.endsWith(`:${MAC_NAME}`) === true
    return typeof outcome?.machine !== 'string' || isMac !== (job.system === MAC)
  })
  const systems = new Set(batches.map(({ job }) => job.system))
  claims.claim(
    'each of the three systems was built on machines of its own: two of CodeBuild, and a Mac that asks for work',
    strangers.length === 0 && systems.size === 3,
    strangers.map(({ job, outcome }) => [job.batch, outcome?.machine]),
  )
}

function builtNames(summary: RunSummary | undefined): string[] {
  return (summary?.outcomes ?? []).map(({ drvPath }) => nameOf(drvPath).replace(/\.drv$/, '')).toSorted()
}

async function statesOfMachines(): Promise<Set<string>> {
  const files = (await readdir('statemachines')).filter((file) => file.endsWith('.asl.json'))
  const texts = await Promise.all(files.map((file) => readFile(`statemachines/${file}`, 'utf8')))
  return new Set(texts.flatMap((text) => statesOf(JSON.parse(text))))
}

/** Names of all states of a definition, those inside of Maps too. */
function statesOf(definition: unknown): string[] {
  if (typeof definition !== 'object' || definition === null) return []
  const { States = {}, ...rest } = definition as { States?: Record<string, unknown> }
  return [
    ...Object.keys(States),
    ...Object.values(States).flatMap(statesOf),
    ...Object.values(rest).flatMap(statesOf),
  ]
}
