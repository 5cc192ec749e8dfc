import { pushWebhook, type Delivery } from '../github/push-webhook.ts'
import { endOfRun, type EndedRun } from './run.ts'
import type { DemoWorld } from './world.ts'

/** What the webhook answered. */
export interface Answer {
  status: number
  body: { run?: string; started?: boolean; duplicate?: boolean; error?: string }
}

/** A change that Ada commits, pushed to GitHub, whose signed webhook starts a run; followed to its end. */
export async function pushAndFollow(
  world: DemoWorld,
  change: { file: string; text: string; message: string },
): Promise<{ delivery: Delivery; answer: Answer; ended: EndedRun }> {
  const { before, after } = await world.company.push(change)
  const delivery = await pushWebhook(
    { repository: world.repository, ref: 'refs/heads/main', before, after },
    world.webhookSecret,
  )
  const answer = await deliver(world, delivery)
  if (answer.body.run === undefined) throw new Error(`the webhook started nothing: ${JSON.stringify(answer)}`)
  const executionArn = world.stack.physicalId('WarmStateMachine').replace(':stateMachine:', ':execution:')
  return {
    delivery,
    answer,
    ended: await endOfRun(world.sfn, world.state, `${executionArn}:${answer.body.run}`),
  }
}

/** POSTs a delivery to the webhook, as GitHub does. */
export async function deliver(world: DemoWorld, { headers, body }: Delivery): Promise<Answer> {
  const response = await fetch(`${world.stack.api}/github`, { method: 'POST', headers, body })
  return { status: response.status, body: (await response.json()) as Answer['body'] }
}
