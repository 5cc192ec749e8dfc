import { type About, deliver, type Delivery } from './delivery.ts'
import { GITHUB_COM } from './describe-owner.ts'
import { describeRepository } from './describe-repository.ts'
import type { Commit, Repository } from './repository.ts'

export { type Delivery, signDelivery } from './delivery.ts'

export interface Push extends About {
  /** `refs/heads/main`, `refs/tags/v1` */
  ref: string
  /** 40 zeros when the ref is new */
  before: string
  /** 40 zeros when the ref is deleted; of an annotated tag, the tag's own object */
  after: string
}

export const NO_COMMIT = '0'.repeat(40)

/**
 * The delivery that GitHub makes of a push, signed.
 * Source: GitHub, "Webhook events and payloads", push.
 */
export async function pushWebhook(push: Push, secret: string): Promise<Delivery> {
  return deliver('push', push, await pushPayload(push), secret)
}

async function pushPayload({ repository, ref, before, after }: Push): Promise<Record<string, unknown>> {
  const isDeleted = after === NO_COMMIT
  const isTag = ref.startsWith('refs/tags/')
  const commits = isDeleted || isTag ? [] : await repository.commitsBetween(before, after)
  const head = isDeleted ? undefined : await repository.findCommit(after)
  const [owner = ''] = repository.fullName.split('/')
  const htmlUrl = `https://github.com/${repository.fullName}`
  const described = await describeRepository(repository, GITHUB_COM)
  const email = head?.author.email ?? null
  return {
    ref,
    before,
    after,
    repository: {
      ...described,
      url: htmlUrl,
      owner: { ...(described['owner'] as object), name: owner, email },
    },
    pusher: { name: head?.author.name ?? owner, email },
    created: before === NO_COMMIT,
    deleted: isDeleted,
    forced: await isForced(repository, before, after),
    base_ref: isTag && head !== undefined ? await branchAt(repository, head.sha) : null,
    compare: `${htmlUrl}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`,
    commits: await Promise.all(commits.map((commit) => describeCommit(repository, commit))),
    head_commit: head === undefined ? null : await describeCommit(repository, head),
  }
}

/** Whether what the ref pointed at is not part of what it points at now. */
async function isForced(repository: Repository, before: string, after: string): Promise<boolean> {
  if (before === NO_COMMIT || after === NO_COMMIT) return false
  if ((await repository.findCommit(before)) === undefined) return true
  return (await repository.commitsBetween(after, before)).length > 0
}

async function branchAt(repository: Repository, sha: string): Promise<string | null> {
  const branch = (await repository.branches()).find((one) => one.sha === sha)
  return branch === undefined ? null : `refs/heads/${branch.name}`
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
