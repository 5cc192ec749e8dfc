import { type Answer, NOT_FOUND, refusal, REQUIRES_AUTHENTICATION } from './answers.ts'
import { type Caller, hasInReach, sees } from './caller.ts'
import type { Repository } from './repository.ts'
import { suffices } from './tokens.ts'

/** What a request about a repository needs: `['contents', 'read']`. */
export type Need = readonly [permission: string, level: 'read' | 'write']

/**
 * GitHub's refusal of a request about a repository, or undefined when it may go on. What is public everybody may read.
 * Source: GitHub, "Permissions required for GitHub Apps"; "Troubleshooting the REST API", 404 and 403.
 */
export function whyNot(
  caller: Caller,
  repository: Repository,
  [permission, level]: Need,
): Answer | undefined {
  if (caller.kind === 'anybody') return undefined
  if (!sees(caller, repository)) return NOT_FOUND
  if (!repository.isPrivate && level === 'read') return undefined
  if (caller.kind === 'anonymous') return REQUIRES_AUTHENTICATION
  if (
    caller.kind === 'token' &&
    hasInReach(caller, repository.fullName) &&
    suffices(caller.token.permissions, permission, level)
  )
    return undefined
  const who =
    caller.kind === 'token' && caller.token.kind === 'personal' ? 'personal access token' : 'integration'
  return {
    ...refusal(403, `Resource not accessible by ${who}`),
    headers: { 'x-accepted-github-permissions': `${permission}=${level}` },
  }
}
