import type { RunId, RunInput } from '../shared/contract.ts'
import { isConfiguredRef } from '../shared/config.ts'
import { isAlive } from '../shared/newest-run.ts'
import type { RepositoryConfig } from '../shared/parse-config.ts'
import { isDue } from './due.ts'
import type { KnownRef } from './known-refs.ts'

/** A run that is to be started, and what makes it this one: Step Functions starts what has one name only once. */
export interface Start {
  input: RunInput
  unique: string
}

/** A head of which no run is on record. A webhook may still bring it. */
export interface MissedStart extends Start {
  /** the newest run of the ref at the time: when another one is on record, the webhooks of this ref do come */
  newest: RunId | undefined
}

export interface StartsOfRepository {
  now: Start[]
  /** when webhooks have had time to come */
  later: MissedStart[]
}

/**
 * What is to be started for one repository.
 * @param heads configured refs that GitHub has
 * @param known refs that are on record
 */
export function toStart(
  configured: RepositoryConfig,
  heads: ReadonlyMap<string, string>,
  known: ReadonlyMap<string, KnownRef>,
  slot: Date,
): StartsOfRepository {
  const { name: repository, schedule } = configured
  const deletions = [...known]
    .filter(([ref, { newest, deleted }]) => isAlive(newest, deleted) && !heads.has(ref))
    // of what is not configured any more nobody asked GitHub
    .filter(([ref]) => isConfiguredRef(configured, ref))
    .map(([ref]): Start => ({
      input: { trigger: 'delete', repository, ref },
      unique: `${repository} ${ref} ${dayOf(slot)}`,
    }))
  if (isDue(schedule, slot)) {
    const due = [...heads.keys()].map((ref): Start => ({
      input: { trigger: 'schedule', repository, ref },
      unique: `${repository} ${ref} ${slot.toISOString()}`,
    }))
    return { now: [...due, ...deletions], later: [] }
  }
  const later = [...heads]
    .filter(([ref, commit]) => isMissed(commit, known.get(ref)))
    .map(([ref, commit]): MissedStart => ({
      input: { trigger: 'schedule', repository, ref, commit },
      // once a day and not once for ever: a run that broke before it left a record is missed by nobody else
      unique: `${repository} ${ref} ${commit} ${dayOf(slot)}`,
      newest: known.get(ref)?.newest.run,
    }))
  return { now: deletions, later }
}

/** Whether no run is on record that began with this commit as the head of its ref. */
function isMissed(commit: string, known: KnownRef | undefined): boolean {
  return known === undefined || known.newest.commit !== commit || !isAlive(known.newest, known.deleted)
}

/** `2026-03-12` */
function dayOf(slot: Date): string {
  return slot.toISOString().slice(0, 'YYYY-MM-DD'.length)
}
