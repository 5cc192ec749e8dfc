import { createHmac, randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** A delivery as API Gateway hands it to the webhook. */
export interface DeliveryEvent {
  headers: Record<string, string>
  body: string
}

/** What both sides of `webhook.rps` read. */
export interface DeliveryFile {
  secret: string
  /** every push of octokit's examples that deletes nothing */
  examples: DeliveryEvent[]
  /** one push with many commits */
  large: DeliveryEvent[]
  /** starts nothing */
  pings: DeliveryEvent[]
}

interface Example {
  name: string
  examples: Record<string, unknown>[]
}

const LARGE_BYTES = 200_000

/** Writes the deliveries of `webhook.rps`, signed. */
export function writeDeliveries(folder: string): { file: string; deliveries: DeliveryFile } {
  const index = createRequire(import.meta.url).resolve('@octokit/webhooks-examples/api.github.com/index.json')
  const all = JSON.parse(readFileSync(index, 'utf8')) as Example[]
  const ofEvent = (event: string): Record<string, unknown>[] =>
    all.find(({ name }) => name === event)?.examples ?? []
  const secret = randomBytes(32).toString('hex')
  const sign = (event: string, payload: unknown): DeliveryEvent => {
    const body = JSON.stringify(payload)
    return {
      body,
      headers: {
        accept: '*/*',
        'content-length': String(Buffer.byteLength(body)),
        'content-type': 'application/json',
        host: 'hooks.example.org',
        'user-agent': 'GitHub-Hookshot/044aadd',
        'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
        'x-github-event': event,
        'x-github-hook-id': '292430182',
        'x-github-hook-installation-target-id': '79929171',
        'x-github-hook-installation-target-type': 'repository',
        'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      },
    }
  }
  const pushes = ofEvent('push').filter(({ deleted }) => deleted === false)
  const deliveries: DeliveryFile = {
    secret,
    examples: pushes.map((payload) => sign('push', payload)),
    large: [sign('push', enlarge(pushes))],
    pings: ofEvent('ping').map((payload) => sign('ping', payload)),
  }
  const file = join(folder, 'deliveries.json')
  writeFileSync(file, JSON.stringify(deliveries))
  return { file, deliveries }
}

/** A push to a branch with so many commits that it has 200 kB. */
function enlarge(pushes: Record<string, unknown>[]): Record<string, unknown> {
  const isOfBranch = ({ ref, commits }: Record<string, unknown>): boolean =>
    String(ref).startsWith('refs/heads/') && Array.isArray(commits) && commits.length > 0
  const push = pushes.find(isOfBranch)
  if (push === undefined) throw new Error('no example of a push to a branch has commits')
  const [commit] = push['commits'] as Record<string, unknown>[]
  const commits: Record<string, unknown>[] = []
  for (let bytes = 0; bytes < LARGE_BYTES; bytes += JSON.stringify(commits.at(-1)).length) {
    const id = randomBytes(20).toString('hex')
    commits.push({ ...commit, id, modified: [`packages/${id.slice(0, 8)}/default.nix`] })
  }
  return { ...push, commits }
}
