import type { Caller } from './caller.ts'
import type { Permissions } from './tokens.ts'

/** One request to GitHub, REST or git. */
export interface Call {
  method: string
  /** with its query */
  path: string
  caller: CallerRecord
  status: number
  /** milliseconds since 1970, by GitHub's clock */
  at: number
}

/** Who it was, without the token. */
export interface CallerRecord {
  /** `refused`: credentials that GitHub does not take */
  kind: 'anybody' | 'anonymous' | 'app' | 'installation' | 'personal' | 'refused'
  /** of the App, the installation or the person */
  id?: number
  permissions?: Permissions
  repositories?: readonly string[] | 'all'
}

export function recordOf(caller: Caller | undefined): CallerRecord {
  if (caller === undefined) return { kind: 'refused' }
  if (caller.kind === 'app') return { kind: 'app', id: caller.app.id }
  if (caller.kind !== 'token') return { kind: caller.kind }
  const { kind, id, permissions, repositories } = caller.token
  return { kind, id, permissions, repositories }
}
