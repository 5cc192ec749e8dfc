import * as z from 'zod/mini'
import type { Answer } from './answer.ts'
import { Commit, FullRef, Repository } from './fields.ts'

const Push = z.object({
  ref: FullRef,
  after: Commit,
  deleted: z.optional(z.boolean()),
  repository: Repository,
})

const TagPush = z.object({ head_commit: z.nullable(z.object({ id: Commit })) })

/** GitHub's `after` of a push that deletes the ref. */
const NO_COMMIT = '0'.repeat(40)

/** A push to a branch or a tag is warmed. Which of them are configured is for Resolve to say. */
export function readPush(payload: unknown): Answer | z.core.$ZodError {
  const push = z.safeParse(Push, payload)
  if (!push.success) return push.error
  const { ref, after, deleted, repository } = push.data
  if (deleted === true || after === NO_COMMIT)
    return { kind: 'ignored', reason: `${ref} was deleted: the event delete says so, too` }
  const input = { trigger: 'push', repository: repository.full_name, ref } as const
  if (!ref.startsWith('refs/tags/')) return { kind: 'run', input: { ...input, commit: after } }
  // `after` of an annotated tag is the tag's own object. What it points at is a commit, or a file in rare cases: then GitHub names none.
  const tag = z.safeParse(TagPush, payload)
  if (!tag.success) return tag.error
  const { head_commit } = tag.data
  if (head_commit === null) return { kind: 'ignored', reason: `${ref} points at no commit` }
  return { kind: 'run', input: { ...input, commit: head_commit.id } }
}
