import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CheckRun } from '../github/github.ts'
import type { Claims } from './claims.ts'
import type { Chapter } from './story.ts'
import type { View } from './view.ts'
import type { DemoWorld } from './world.ts'

/** Shows what GitHub's page says of each push, and keeps it as Markdown. */
export async function showChecks(world: DemoWorld, view: View, chapters: Chapter[]): Promise<void> {
  view.heading('What GitHub shows')
  for (const [index, chapter] of chapters.entries()) {
    const { statuses, checkRun } = shownOf(world, chapter)
    const last = statuses.at(-1)
    view.from('status', `push ${index + 1}: ${last?.state}: ${last?.description}`)
    if (checkRun === undefined) continue
    const file = join(world.folder, `push-${index + 1}.check.md`)
    const { title, summary, text } = checkRun.output
    await writeFile(file, `# ${title ?? ''}\n\n${summary ?? ''}\n\n${text ?? ''}\n`)
    view.from(
      'check run',
      `push ${index + 1}: ${checkRun.conclusion}: ${title}; its whole page is in ${file}`,
    )
  }
}

/** What is to be true of what the developer sees on GitHub. */
export function claimGitHub(world: DemoWorld, claims: Claims, chapters: Chapter[]): void {
  const shown = chapters.map((chapter) => shownOf(world, chapter))
  claims.claim(
    'each pushed commit was pending on GitHub at once, and says in the end that a shell is broken',
    shown.every(({ statuses }) => statuses.map(({ state }) => state).join() === 'pending,failure'),
    shown.map(({ statuses }) => statuses),
  )
  claims.claim(
    'its check run is complete, and names every shell of every system',
    shown.every(({ checkRun, shells }) => checkRun?.status === 'completed' && namesAll(checkRun, shells)),
    shown.map(({ checkRun }) => checkRun?.output),
  )
  claims.claim(
    'GitHub never heard of one repository twice within a second, and refused nothing',
    world.github.tooFast.length === 0 && world.github.calls.every(({ status }) => status < 400),
    [...world.github.tooFast, ...world.github.calls.filter(({ status }) => status >= 400)],
  )
}

function shownOf({ github }: DemoWorld, { run: { summary } }: Chapter) {
  const commit = summary.target?.commit
  return {
    shells: summary.shells,
    statuses: github.statuses.filter(({ sha }) => sha === commit),
    checkRun: github.checkRuns.find(({ head_sha: sha }) => sha === commit),
  }
}

function namesAll({ output }: CheckRun, shells: { attribute: string }[]): boolean {
  const page = `${output.summary ?? ''}\n${output.text ?? ''}`
  return shells.every(({ attribute }) => {
    const name = attribute.slice(attribute.lastIndexOf('.') + 1)
    return page.includes(name)
  })
}
