import * as z from 'zod/mini'
import type { Answer } from './answer.ts'
import { Repository } from './fields.ts'

const Delete = z.object({
  /** without `refs/heads/` or `refs/tags/` */
  ref: z.string().check(z.minLength(1)),
  ref_type: z.enum(['branch', 'tag']),
  repository: Repository,
})

/** Whether the ref is really gone, and what follows, is for Resolve to say. */
export function readDelete(payload: unknown): Answer | z.core.$ZodError {
  const deletion = z.safeParse(Delete, payload)
  if (!deletion.success) return deletion.error
  const { ref, ref_type, repository } = deletion.data
  const full = `refs/${ref_type === 'tag' ? 'tags' : 'heads'}/${ref}`
  return { kind: 'run', input: { trigger: 'delete', repository: repository.full_name, ref: full } }
}
