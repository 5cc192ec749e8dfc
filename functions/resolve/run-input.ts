import * as z from 'zod/mini'
import { ATTRIBUTE_FORM, parseAttribute } from '../shared/attributes.ts'
import type { RunInput } from '../shared/contract.ts'
import { HearthError } from '../shared/errors.ts'
import { explainFindings } from '../shared/findings.ts'
import { fullRef } from '../shared/full-ref.ts'

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
  attributes: z.optional(
    z
      .array(
        z.string().check(
          z.refine((text) => parseAttribute(text) !== undefined, {
            error: ({ input }) => `${JSON.stringify(input)} is none: ${ATTRIBUTE_FORM}`,
          }),
        ),
      )
      .check(z.minLength(1)),
  ),
})

/** What whoever got it wrong may paste and change. */
const RIGHT_FORM = `The right form: {"repository": "owner/name", "ref": "main"}, where "ref" is a branch, "tags/v1", or a full ref. It may also have
  "commit": 40 hexadecimal digits, for another commit than the head
  "retryFailed": true, to try again what failed before for a reason of its own
  "attributes": ["devShells.ci"], for these instead of what hearth.yml names`

/**
 * Checks what an execution was started with. A person may paste `{"repository": "acme/shells", "ref": "main"}`: a short ref is a branch.
 * @throws InvalidRunInput that shows the right form
 */
export function parseRunInput(input: unknown): RunInput {
  const parsed = z.safeParse(RunInputSchema, input)
  if (!parsed.success)
    throw new InvalidRunInput(
      `this execution's input is not what a run needs:\n${explainFindings(parsed.error)}\n${RIGHT_FORM}`,
    )
  const { trigger, repository, ref, commit, delivery, retryFailed, attributes } = parsed.data
  return {
    trigger,
    repository,
    ref: fullRef(ref),
    ...(commit === undefined ? {} : { commit }),
    ...(delivery === undefined ? {} : { delivery }),
    ...(retryFailed === undefined ? {} : { retryFailed }),
    ...(attributes === undefined ? {} : { attributes }),
  }
}
