import { type About, deliver, type Delivery } from './delivery.ts'

export interface Creation extends About {
  /** of a branch or a tag: `refs/heads/main`, `refs/tags/v1` */
  ref: string
}

/** The delivery that GitHub makes of a new branch or tag, besides that of the push. Source: GitHub, "Webhook events and payloads", create. */
export async function createWebhook(creation: Creation, secret: string): Promise<Delivery> {
  return deliver(
    'create',
    creation,
    {
      ...nameAndKind(creation.ref),
      master_branch: await creation.repository.defaultBranch(),
      description: null,
      pusher_type: 'user',
    },
    secret,
  )
}

/** Unlike a push, these events name a ref without where it is. */
export function nameAndKind(ref: string): { ref: string; ref_type: 'branch' | 'tag' } {
  const [, kind, name = ''] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? []
  if (kind === undefined)
    throw new Error(`${ref} is neither a branch nor a tag: expected refs/heads/… or refs/tags/…`)
  return { ref: name, ref_type: kind === 'tags' ? 'tag' : 'branch' }
}
