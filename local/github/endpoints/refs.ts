import { type Answer, NOT_FOUND, ok } from '../answers.ts'
import { nodeId } from '../describe-owner.ts'
import { answerPage } from '../pages.ts'
import type { RepositoryCall } from '../rest-call.ts'

/** Source: GitHub REST API, "Get a reference". */
export async function getRef({ repository, addresses, parameters }: RepositoryCall): Promise<Answer> {
  const ref = `refs/${(parameters['ref'] ?? '').replace(/^refs\//, '')}`
  const found = await repository.findRef(ref)
  return found === undefined
    ? NOT_FOUND
    : ok(describeRef(`${addresses.api}/repos/${repository.fullName}`, ref, found))
}

/** Source: GitHub REST API, "List matching references": everything that begins so. */
export async function listMatchingRefs(call: RepositoryCall): Promise<Answer> {
  const base = `${call.addresses.api}/repos/${call.repository.fullName}`
  const refs = await call.repository.refs(`refs/${call.parameters['ref'] ?? ''}`)
  return answerPage(call, refs, ({ ref, sha, type }) => describeRef(base, ref, { sha, type }))
}

function describeRef(base: string, ref: string, { sha, type }: { sha: string; type: string }): unknown {
  return {
    ref,
    node_id: nodeId('Ref', ref),
    url: `${base}/git/${ref}`,
    object: { sha, type, url: `${base}/git/${type}s/${sha}` },
  }
}

/** Source: GitHub REST API, "Get a tag": of annotated ones, which are objects of their own. */
export async function getTag({ repository, addresses, parameters }: RepositoryCall): Promise<Answer> {
  const tag = await repository.findTag(parameters['tag_sha'] ?? '')
  if (tag === undefined) return NOT_FOUND
  const base = `${addresses.api}/repos/${repository.fullName}/git`
  return ok({
    node_id: nodeId('Tag', tag.sha),
    tag: tag.name,
    sha: tag.sha,
    url: `${base}/tags/${tag.sha}`,
    message: tag.message,
    tagger: tag.tagger,
    object: { ...tag.object, url: `${base}/${tag.object.type}s/${tag.object.sha}` },
    verification: { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null },
  })
}

export async function listBranches(call: RepositoryCall): Promise<Answer> {
  const base = `${call.addresses.api}/repos/${call.repository.fullName}`
  return answerPage(call, await call.repository.branches(), ({ name, sha }) => ({
    name,
    commit: { sha, url: `${base}/commits/${sha}` },
    protected: false,
  }))
}

export async function listTags(call: RepositoryCall): Promise<Answer> {
  const base = `${call.addresses.api}/repos/${call.repository.fullName}`
  return answerPage(call, await call.repository.refs('refs/tags/'), ({ ref, commit }) => ({
    name: ref.slice('refs/tags/'.length),
    node_id: nodeId('Ref', ref),
    commit: { sha: commit, url: `${base}/commits/${commit}` },
    zipball_url: `${base}/zipball/${ref}`,
    tarball_url: `${base}/tarball/${ref}`,
  }))
}
