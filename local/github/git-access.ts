import { type Caller, identify, hasInReach, sees } from './caller.ts'
import type { Forge } from './forge.ts'
import type { Repository } from './repository.ts'
import { suffices } from './tokens.ts'

/** GitHub's refusal of git over HTTP: text, which git shows. */
export interface GitRefusal {
  status: number
  text: string
  headers: Record<string, string>
}

/**
 * Whether somebody may fetch a repository over HTTP. Whoever shows nothing is asked for credentials, so that nobody learns which private repositories there are.
 * @param repository undefined when there is none of that name
 */
export function whyNotFetch(
  forge: Forge,
  repository: Repository | undefined,
  authorization: string | undefined,
): { caller: Caller | undefined; refused: GitRefusal | undefined } {
  const caller = identify(forge, authorization)
  if ('status' in caller || caller.kind === 'app')
    return {
      caller: undefined,
      refused: unauthorized(
        'Invalid username or token. Password authentication is not supported for Git operations.',
      ),
    }
  if (repository !== undefined && (caller.kind === 'anybody' || !repository.isPrivate))
    return { caller, refused: undefined }
  if (caller.kind === 'anonymous') return { caller, refused: unauthorized('Repository not found.') }
  if (repository === undefined || !sees(caller, repository))
    return { caller, refused: { status: 404, text: 'Repository not found.', headers: {} } }
  const isAllowed =
    caller.kind === 'token' &&
    hasInReach(caller, repository.fullName) &&
    suffices(caller.token.permissions, 'contents', 'read')
  if (isAllowed) return { caller, refused: undefined }
  // GitHub's words, also when it is only to be read
  return { caller, refused: { status: 403, text: 'Write access to repository not granted.', headers: {} } }
}

function unauthorized(text: string): GitRefusal {
  return { status: 401, text, headers: { 'www-authenticate': 'Basic realm="GitHub"' } }
}
