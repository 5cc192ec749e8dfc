import * as z from 'zod/mini'
import type { RunInput } from '../shared/contract.ts'
import { HearthError } from '../shared/errors.ts'
import { explainFindings } from '../shared/findings.ts'

export class InvalidRunInput extends HearthError {
  override name = 'InvalidRunInput'
}

const RunInputSchema = z.strictObject({
  trigger: z._default(z.enum(['push', 'delete', 'rerun', 'schedule', 'hand']), 'hand'),
  repository: z.string().check(z.regex(/^[\w.-]+\/[\w.-]+$/, 'expected owner/name')),
  ref: z.string().check(z.minLength(1)),
  commit: z.optional(z.string().check(z.regex(/^[0-9a-f]{40}$/, 'expected 40 hexadecimal digits'))),
  delivery: z.optional(z.string()),
  retryFailed: z.optional(z.boolean()),
})

/**
 * Checks what an execution was started with. A person may paste `{"repository": "acme/shells", "ref": "main"}`: a short ref is a branch.
 * @throws InvalidRunInput that shows the right form
 */
export function parseRunInput(input: unknown): RunInput {
  const parsed = z.safeParse(RunInputSchema, input)
  if (!parsed.success)
    throw new InvalidRunInput(
      `this execution's input is not what a run needs:\n${explainFindings(parsed.error)}\n` +
        'The right form: {"repository": "owner/name", "ref": "main"}, and "commit" (40 digits) for another commit than the head.',
    )
  const { trigger, repository, ref, commit, delivery, retryFailed } = parsed.data
  return {
    trigger,
    repository,
    ref: ref.startsWith('refs/') ? ref : `refs/heads/${ref}`,
    ...(commit === undefined ? {} : { commit }),
    ...(delivery === undefined ? {} : { delivery }),
    ...(retryFailed === undefined ? {} : { retryFailed }),
  }
}
