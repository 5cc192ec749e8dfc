import { randomUUID } from 'node:crypto'
import { sign } from '@octokit/webhooks-methods'
import type { Commit, Repository } from './repository.ts'

/** What GitHub POSTs to a webhook. */
export interface Delivery {
  headers: Record<string, string>
  /** the very bytes that are signed */
  body: string
}

export interface Push {
  repository: Repository
  /** `refs/heads/main` */
  ref: string
  /** 40 zeros when the ref is new */
  before: string
  /** 40 zeros when the ref is deleted */
  after: string
}

export const NO_COMMIT = '0'.repeat(40)

/**
 * The delivery that GitHub makes of a push, signed.
 * Source: GitHub, "Webhook events and payloads", push; "Validating webhook deliveries".
 */
export async function pushWebhook(push: Push, secret: string): Promise<Delivery> {
  return signDelivery('push', JSON.stringify(await pushPayload(push)), secret)
}

/** Headers for any event's body. */
export async function signDelivery(event: string, body: string, secret: string): Promise<Delivery> {
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/local',
      'x-github-event': event,
      'x-github-delivery': randomUUID(),
      'x-github-hook-id': '1',
      'x-github-hook-installation-target-type': 'repository',
      'x-hub-signature-256': await sign(secret, body),
    },
  }
}

async function pushPayload({ repository, ref, before, after }: Push): Promise<unknown> {
  const deleted = after === NO_COMMIT
  const commits = deleted ? [] : await repository.commitsBetween(before, after)
  const head = deleted ? undefined : await repository.findCommit(after)
  const [owner = '', name = ''] = repository.fullName.split('/')
  const htmlUrl = `https://github.com/${repository.fullName}`
  const user = { login: owner, id: 1, type: 'User', site_admin: false }
  return {
    ref,
    before,
    after,
    repository: {
      id: 1,
      name,
      full_name: repository.fullName,
      private: true,
      owner: { ...user, name: owner },
      html_url: htmlUrl,
      url: htmlUrl,
      clone_url: `${htmlUrl}.git`,
      fork: false,
      default_branch: await repository.defaultBranch(),
    },
    pusher: { name: head?.author.name ?? owner, email: head?.author.email ?? null },
    sender: user,
    created: before === NO_COMMIT,
    deleted,
    forced: false,
    base_ref: null,
    compare: `${htmlUrl}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`,
    commits: await Promise.all(commits.map((commit) => describeCommit(repository, commit))),
    head_commit: head === undefined ? null : await describeCommit(repository, head),
  }
}

async function describeCommit(repository: Repository, commit: Commit): Promise<unknown> {
  const changes = await repository.changes(commit.sha)
  const paths = (status: string): string[] =>
    changes.filter((change) => change.status === status).map(({ path }) => path)
  return {
    id: commit.sha,
    tree_id: commit.tree,
    distinct: true,
    message: commit.message,
    timestamp: commit.committer.date,
    url: `https://github.com/${repository.fullName}/commit/${commit.sha}`,
    author: { name: commit.author.name, email: commit.author.email },
    committer: { name: commit.committer.name, email: commit.committer.email },
    added: paths('A'),
    removed: paths('D'),
    modified: paths('M'),
  }
}
