import { randomUUID } from 'node:crypto'
import { sign } from '@octokit/webhooks-methods'
import { describeOwner, GITHUB_COM, nodeId } from './describe-owner.ts'
import { describeRepository } from './describe-repository.ts'
import type { Repository } from './repository.ts'

/** What GitHub POSTs to a webhook. */
export interface Delivery {
  headers: Record<string, string>
  /** the very bytes that are signed */
  body: string
}

/** What every delivery about a repository says. */
export interface About {
  repository: Repository
  /** through which an App hears of it; a repository's own webhook says nothing of the kind */
  installation?: { readonly id: number }
}

/** Headers for any event's body. Source: GitHub, "Webhook events and payloads", delivery headers; "Validating webhook deliveries". */
export async function signDelivery(
  event: string,
  body: string,
  secret: string,
  target: 'repository' | 'integration' = 'repository',
): Promise<Delivery> {
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/local',
      'x-github-event': event,
      'x-github-delivery': randomUUID(),
      'x-github-hook-id': '1',
      'x-github-hook-installation-target-type': target,
      'x-hub-signature-256': await sign(secret, body),
    },
  }
}

/** Signs what an event says of a repository, with what all of them have in common. */
export async function deliver(
  event: string,
  { repository, installation }: About,
  payload: Record<string, unknown>,
  secret: string,
): Promise<Delivery> {
  const owner = repository.fullName.split('/')[0] ?? ''
  const body = {
    ...payload,
    repository: payload['repository'] ?? (await describeRepository(repository, GITHUB_COM)),
    sender: describeOwner(owner, GITHUB_COM),
    ...(installation === undefined ? {} : { installation: describeLite(installation.id) }),
  }
  return signDelivery(event, JSON.stringify(body), secret, targetOf(installation))
}

function describeLite(id: number): unknown {
  return { id, node_id: nodeId('IntegrationInstallation', id) }
}

export function targetOf(installation: unknown): 'repository' | 'integration' {
  return installation === undefined ? 'repository' : 'integration'
}
