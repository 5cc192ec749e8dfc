import { logger } from '../../shared/lambda.ts'
import type { RunId, Target } from '../../shared/contract.ts'
import type { GitHubClient } from '../../shared/github/client.ts'
import { ownerAndRepo } from '../../shared/github/owner-and-repo.ts'
import type { Bucket } from '../../shared/objects.ts'
import type { Annotation } from '../check-run/annotations.ts'
import type { CheckRunContent } from '../check-run/check-run.ts'
import type { CommitStatusContent } from '../commit-status.ts'
import { findCheckRun } from './find-check-run.ts'
import type { Turns } from './turns.ts'
import { changeTold, digestOf, isNews, readTold, type Shown, type Told } from './told.ts'

/** What it takes to tell GitHub about a run. */
export interface Telling {
  state: Bucket
  run: RunId
  target: Target
  github: GitHubClient
  turns: Turns
  /** whether the run is over: then nothing is left to somebody else who may be telling the same */
  isEnding: boolean
}

/**
 * Sets the commit's status, unless it says so already.
 * @param news what makes another word worth it
 */
export async function tellStatus(
  telling: Telling,
  content: CommitStatusContent,
  news: unknown,
): Promise<void> {
  await once(telling, 'status', news, async () => {
    await telling.github('POST /repos/{owner}/{repo}/statuses/{sha}', {
      ...ownerAndRepo(telling.target.repository),
      sha: telling.target.commit,
      ...content,
    })
    return {}
  })
}

/** GitHub takes so many with a request. Source: GitHub REST API, "Create a check run", `output.annotations`. */
const ANNOTATIONS_OF_A_CALL = 50

/**
 * Creates or changes the run's check run, unless it says so already.
 * @param annotations are sent once, 50 with each call: GitHub adds those of every call
 * @param news what makes another word worth it
 */
export async function tellCheckRun(
  telling: Telling,
  content: CheckRunContent,
  annotations: Annotation[],
  news: unknown,
): Promise<void> {
  const { state, run, target, github, turns } = telling
  await once(telling, 'checkRun', news, async ({ checkRun }) => {
    // Somebody may have created it, and died before he could say so.
    let id = checkRun?.id ?? (await findCheckRun(github, target, checkRun, content))
    let annotated = checkRun?.annotated ?? 0
    for (;;) {
      const some = annotations.slice(annotated, annotated + ANNOTATIONS_OF_A_CALL)
      const output = { ...content.output, ...(some.length > 0 ? { annotations: some } : {}) }
      id = await writeCheckRun(telling, id, { ...content, output })
      annotated += some.length
      if (annotated >= annotations.length) return { id, annotated }
      // Whoever goes on after a death in between adds none a second time.
      const said = { id, annotated }
      await changeTold(state, run, (told) => ({ ...told, checkRun: { ...told.checkRun, ...said } }))
      turns.over()
      await turns.next()
    }
  })
}

/** @returns GitHub's id of the check run */
async function writeCheckRun(
  { github, target }: Telling,
  id: number | undefined,
  body: CheckRunContent & { output: { annotations?: Annotation[] } },
): Promise<number> {
  const which = ownerAndRepo(target.repository)
  if (id === undefined) {
    const head_sha = target.commit
    return Number(
      (await github('POST /repos/{owner}/{repo}/check-runs', { ...which, head_sha, ...body })).data.id,
    )
  }
  await github('PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}', {
    ...which,
    check_run_id: id,
    ...body,
  })
  return id
}

/** Makes a call when what it says is news, at the repository's pace; and writes down before and after it what is said. */
async function once(
  { state, run, turns, isEnding }: Telling,
  shown: Shown,
  news: unknown,
  call: (before: Told) => Promise<object>,
): Promise<void> {
  const digest = digestOf(news)
  let before: Told = { version: 1 }
  const { isChanged } = await changeTold(state, run, (told) => {
    before = told
    if (!isNews(told, shown, digest, isEnding, Date.now())) return undefined
    const asking = { digest, since: new Date().toISOString() }
    return { ...told, [shown]: { ...told[shown], asking }, ...(isEnding ? { isOver: true } : {}) }
  })
  if (!isChanged) return
  const settle = (said: object): Promise<unknown> =>
    changeTold(state, run, (told) => {
      const kept: NonNullable<Told[Shown]> = { ...told[shown] }
      if (kept.asking?.digest === digest) delete kept.asking
      return { ...told, [shown]: { ...kept, ...said } }
    })
  try {
    await turns.next()
    if (!isEnding && (await isOverNow(state, run))) return void (await settle({}))
    const said = await call(before).finally(() => turns.over())
    await settle({ digest, ...said })
    logger.info('told GitHub', { run, shown })
  } catch (error) {
    // It was not told, or nobody knows: the next one who asks tells it. A check run that was created all the same is found then.
    if (shown === 'status' || before.checkRun?.id !== undefined) await settle({})
    throw error
  }
}

async function isOverNow(state: Bucket, run: RunId): Promise<boolean> {
  return (await readTold(state, run)).isOver === true
}
