import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge'
import { HearthError } from '../../shared/errors.ts'
import type { Bucket } from '../../shared/objects.ts'
import { changeTold, digestOf, readTold } from '../github/told.ts'
import type { RunEventDetail, RunEventKind } from './run-event.ts'

/** EventBridge did not take an event. */
export class EventRefused extends HearthError {
  override name = 'EventRefused'
}

/** `source` of every event of ours; Report's role may send no other. */
export const SOURCE = 'hearth'

/**
 * Sends an event on the default bus, unless the same one was sent before: at least once, and seldom more often.
 * @param news what makes another event worth it
 * @throws EventRefused
 */
export async function sendEvent(
  client: EventBridgeClient,
  state: Bucket,
  kind: RunEventKind,
  detail: RunEventDetail,
  news: unknown,
): Promise<void> {
  const digest = digestOf(news)
  const { events = {} } = await readTold(state, detail.run)
  if (events[kind] === digest) return
  const { Entries = [] } = await client.send(
    new PutEventsCommand({
      Entries: [{ Source: SOURCE, DetailType: kind, Detail: JSON.stringify(detail) }],
    }),
  )
  const [{ ErrorCode, ErrorMessage } = {}] = Entries
  if (ErrorCode !== undefined)
    throw new EventRefused(
      `EventBridge did not take "${kind}" of ${detail.run}: ${ErrorCode}: ${ErrorMessage ?? ''}`,
    )
  await changeTold(state, detail.run, (told) => ({ ...told, events: { ...told.events, [kind]: digest } }))
}
