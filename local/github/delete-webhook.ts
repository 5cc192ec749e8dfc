import { nameAndKind } from './create-webhook.ts'
import { type About, deliver, type Delivery } from './delivery.ts'

export interface Deletion extends About {
  /** of a branch or a tag: `refs/heads/main`, `refs/tags/v1` */
  ref: string
}

/** The delivery that GitHub makes of a deleted branch or tag, besides that of the push. Source: GitHub, "Webhook events and payloads", delete. */
export async function deleteWebhook(deletion: Deletion, secret: string): Promise<Delivery> {
  return deliver('delete', deletion, { ...nameAndKind(deletion.ref), pusher_type: 'user' }, secret)
}
