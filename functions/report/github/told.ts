import { createHash } from 'node:crypto'
import type { RunId } from '../../shared/contract.ts'
import { stateKeys } from '../../shared/keys.ts'
import { type Bucket, findJson } from '../../shared/objects.ts'
import { changeRecord } from '../change-record.ts'

/** What GitHub shows of a run. */
export type Shown = 'status' | 'checkRun'

/** `runs/<run>/github.json`: what GitHub was told last, so that nothing is told twice. */
export interface Told {
  version: 1
  status?: ToldContent
  checkRun?: ToldContent & {
    /** GitHub's, when it has been created */
    id?: number
    /** how many annotations have been sent: GitHub would add them a second time */
    annotated?: number
  }
  /** the run's end is being told: what is said of its course comes too late */
  isOver?: true
  /** digests of the events that were sent, by their kind */
  events?: Record<string, string>
}

interface ToldContent {
  /** of what it says now */
  digest?: string
  /** of what somebody is telling at this moment */
  asking?: { digest: string; since: string }
}

export function digestOf(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex')
}

export async function readTold(state: Bucket, run: RunId): Promise<Told> {
  return (await findJson<Told>(state, stateKeys.gitHubTold(run))) ?? { version: 1 }
}

/** Changes the record, whatever others write to it meanwhile. */
export async function changeTold(
  state: Bucket,
  run: RunId,
  change: (told: Told) => Told | undefined,
): Promise<{ told: Told; isChanged: boolean }> {
  const { record, isChanged } = await changeRecord<Told>(state, stateKeys.gitHubTold(run), (known) =>
    change(known ?? { version: 1 }),
  )
  return { told: record ?? { version: 1 }, isChanged }
}

// A function lives for 2 minutes at most: who has not said by then what became of its call is dead.
const DEAD_MS = 2 * 60 * 1000

/**
 * Whether a content still has to be told.
 * @param isEnding what is said at the end is said although another one may be saying it: that one may have died
 */
export function isNews(told: Told, shown: Shown, digest: string, isEnding: boolean, now: number): boolean {
  const known = told[shown]
  if (known?.digest === digest) return false
  if (isEnding) return true
  if (told.isOver === true) return false
  const { asking } = known ?? {}
  return asking?.digest !== digest || now - Date.parse(asking.since) > DEAD_MS
}
