import * as z from 'zod/mini'
import type { Answer } from './answer.ts'
import { Commit, Repository } from './fields.ts'

const Action = z.object({ action: z.string() })

const CheckRun = z.object({
  check_run: z.object({ head_sha: Commit, external_id: z.optional(z.nullable(z.string())) }),
  repository: Repository,
})

const CheckSuite = z.object({
  check_suite: z.object({ head_sha: Commit, head_branch: z.nullable(z.string().check(z.minLength(1))) }),
  repository: Repository,
})

/**
 * `Re-run` beside one check. GitHub sends it to the App that made the check, and to nobody else. Report has put the full ref into the check's external id: a commit
 * may be the head of several.
 */
export function readCheckRun(payload: unknown): Answer | z.core.$ZodError {
  const ignored = ignoredAction(payload, 'check_run')
  if (ignored !== undefined) return ignored
  const event = z.safeParse(CheckRun, payload)
  if (!event.success) return event.error
  const { check_run, repository } = event.data
  const ref = check_run.external_id ?? ''
  if (!ref.startsWith('refs/')) return { kind: 'ignored', reason: 'this check run is none of Hearth’s' }
  return rerun(repository.full_name, ref, check_run.head_sha)
}

/** `Re-run all checks` of a commit. A suite has no external id, only a branch, and none for a fork's. */
export function readCheckSuite(payload: unknown): Answer | z.core.$ZodError {
  const ignored = ignoredAction(payload, 'check_suite')
  if (ignored !== undefined) return ignored
  const event = z.safeParse(CheckSuite, payload)
  if (!event.success) return event.error
  const { check_suite, repository } = event.data
  if (check_suite.head_branch === null)
    return {
      kind: 'ignored',
      reason: 'GitHub names no branch for this check suite: re-run its check instead',
    }
  return rerun(repository.full_name, `refs/heads/${check_suite.head_branch}`, check_suite.head_sha)
}

/** The answer to every action but `rerequested`; undefined for that one. */
function ignoredAction(payload: unknown, event: string): Answer | z.core.$ZodError | undefined {
  const { success, data, error } = z.safeParse(Action, payload)
  if (!success) return error
  if (data.action === 'rerequested') return undefined
  return {
    kind: 'ignored',
    reason: `nothing is started by the action ${JSON.stringify(data.action.slice(0, 40))} of ${event}`,
  }
}

/** Who asks for a check to be run again wants to see whether it fails again. */
function rerun(repository: string, ref: string, commit: string): Answer {
  return { kind: 'run', input: { trigger: 'rerun', repository, ref, commit, retryFailed: true } }
}
