import { type Answer, created, invalidField, noCommit, refusal } from '../answers.ts'
import { type Addresses, describeOwner, nodeId, numberOf } from '../describe-owner.ts'
import { answerPage } from '../pages.ts'
import type { RepositoryCall } from '../rest-call.ts'
import type { CommitStatus } from '../status-log.ts'

/** GitHub refuses longer ones; its own description of the API does not say so. */
const LONGEST_DESCRIPTION = 140
// Source: GitHub REST API, "Create a commit status": 1,000 for each sha and context.
const MOST_STATUSES = 1000

/** Source: GitHub REST API, "Create a commit status". */
export async function createStatus(call: RepositoryCall): Promise<Answer> {
  const { repository, forge, parameters, addresses } = call
  const { state, context, description, target_url } = call.body as Partial<CommitStatus> & {
    state: CommitStatus['state']
  }
  const sha = parameters['sha'] ?? ''
  if ((description?.length ?? 0) > LONGEST_DESCRIPTION)
    return invalidField(
      'Status',
      'description',
      `description is too long (maximum is ${LONGEST_DESCRIPTION} characters)`,
    )
  if (typeof target_url === 'string' && !/^https?:/.test(target_url))
    return invalidField('Status', 'target_url', 'target_url must use http(s) scheme')
  if (!/^[0-9a-f]{40}$/.test(sha) || (await repository.findCommit(sha)) === undefined) return noCommit(sha)
  const status: CommitStatus = {
    repository: repository.fullName,
    sha,
    state,
    description: description ?? null,
    context: context ?? 'default',
    target_url: target_url ?? null,
    created_at: new Date(forge.clock.now()).toISOString(),
  }
  const same = forge.statuses.all.filter(
    (other) =>
      other.repository === status.repository && other.sha === sha && other.context === status.context,
  )
  if (same.length >= MOST_STATUSES)
    return refusal(422, 'Validation Failed', [
      {
        resource: 'Status',
        code: 'custom',
        message: 'This SHA and context has reached the maximum number of statuses.',
      },
    ])
  forge.statuses.add(status)
  return created(describeStatus(status, addresses))
}

/** Source: GitHub REST API, "List commit statuses for a reference": newest first. */
export async function listStatuses(call: RepositoryCall): Promise<Answer> {
  const { repository, forge, parameters, addresses } = call
  const commit = await repository.findCommit(parameters['ref'] ?? '')
  const found = forge.statuses.all.filter(
    (status) => status.repository === repository.fullName && status.sha === commit?.sha,
  )
  return answerPage(call, found.toReversed(), (status) => describeStatus(status, addresses))
}

function describeStatus(status: CommitStatus, addresses: Addresses): unknown {
  const { repository, sha, ...said } = status
  const id = numberOf(`${sha} ${status.context} ${status.created_at}`)
  const owner = repository.split('/')[0] ?? ''
  return {
    url: `${addresses.api}/repos/${repository}/statuses/${sha}`,
    avatar_url: null,
    id,
    node_id: nodeId('Status', id),
    ...said,
    updated_at: status.created_at,
    creator: describeOwner(owner, addresses),
  }
}
