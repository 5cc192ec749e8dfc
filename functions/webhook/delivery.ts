import type * as z from 'zod/mini'
import type { Answer } from './events/answer.ts'
import { readCheckRun, readCheckSuite } from './events/check.ts'
import { readDelete } from './events/delete.ts'
import { readInstallation } from './events/installation.ts'
import { readPush } from './events/push.ts'

/** What a delivery from GitHub asks for. */
export type Delivery = Answer | { kind: 'malformed'; reason: string }

/** What GitHub sends that means something to Hearth. A branch that is created comes as a push, too. */
const EVENTS = new Map<string, (payload: unknown) => Answer | z.core.$ZodError>([
  ['push', readPush],
  ['delete', readDelete],
  ['check_run', readCheckRun],
  ['check_suite', readCheckSuite],
  ['installation', readInstallation],
  ['installation_repositories', readInstallation],
  ['installation_target', readInstallation],
])

/**
 * Reads a delivery whose signature has been checked.
 * @param event the header X-GitHub-Event
 * @param id the header X-GitHub-Delivery
 */
export function readDelivery(event: string, id: string | undefined, body: string): Delivery {
  if (event === 'ping') return { kind: 'ping' }
  const read = EVENTS.get(event)
  if (read === undefined)
    return {
      kind: 'ignored',
      reason: `nothing is started by the event ${JSON.stringify(event.slice(0, 40))}`,
    }
  let payload: unknown
  try {
    payload = JSON.parse(body)
  } catch {
    return {
      kind: 'malformed',
      reason: 'the body is not JSON: set the content type of the webhook to application/json',
    }
  }
  const answer = read(payload)
  if (answer instanceof Error) {
    const fields = answer.issues.map((issue) => issue.path.join('.') || '(top)').join(', ')
    return { kind: 'malformed', reason: `this ${event} event lacks what a ${event} event has: ${fields}` }
  }
  if (answer.kind !== 'run' || id === undefined) return answer
  return { kind: 'run', input: { ...answer.input, delivery: id } }
}
