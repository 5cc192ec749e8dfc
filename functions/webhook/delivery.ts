import * as z from 'zod/mini'
import type { RunInput } from '../shared/contract.ts'

/** What a delivery from GitHub asks for. */
export type Delivery =
  | { kind: 'run'; input: RunInput }
  | { kind: 'ping' }
  | { kind: 'ignored'; reason: string }
  | { kind: 'malformed'; reason: string }

// Only what is needed of the payload: bodies reach 25 MB, and the rest is never looked at.
const Push = z.object({
  ref: z.string().check(z.startsWith('refs/')),
  after: z.string().check(z.regex(/^[0-9a-f]{40}$/)),
  repository: z.object({ full_name: z.string().check(z.regex(/^[\w.-]+\/[\w.-]+$/)) }),
})

/** GitHub's `after` of a push that deletes the ref. */
const NO_COMMIT = '0'.repeat(40)

/**
 * Reads a delivery whose signature has been checked.
 * @param event the header X-GitHub-Event
 * @param delivery the header X-GitHub-Delivery
 */
export function readDelivery(event: string, delivery: string | undefined, body: string): Delivery {
  if (event === 'ping') return { kind: 'ping' }
  if (event !== 'push')
    return {
      kind: 'ignored',
      reason: `nothing is started by the event ${JSON.stringify(event.slice(0, 40))}`,
    }
  let document: unknown
  try {
    document = JSON.parse(body)
  } catch {
    return {
      kind: 'malformed',
      reason: 'the body is not JSON: set the content type of the webhook to application/json',
    }
  }
  const push = z.safeParse(Push, document)
  if (!push.success) {
    const fields = push.error.issues.map((issue) => issue.path.join('.') || '(top)').join(', ')
    return { kind: 'malformed', reason: `this push event lacks what a push event has: ${fields}` }
  }
  const { ref, after, repository } = push.data
  if (after === NO_COMMIT) return { kind: 'ignored', reason: `${ref} was deleted` }
  const input: RunInput = { trigger: 'push', repository: repository.full_name, ref, commit: after }
  return { kind: 'run', input: delivery === undefined ? input : { ...input, delivery } }
}
