import { randomBytes } from 'node:crypto'
import type { Installation } from './apps.ts'
import type { Clock } from './clock.ts'

/** `read`, `write` or `admin` by the name of the permission: `contents`, `checks`. */
export type Permissions = Record<string, string>

/** A token that somebody may use, without its text. */
export interface Token {
  kind: 'installation' | 'personal'
  /** whose requests are counted together */
  id: number
  installation?: Installation
  /** `owner/name` */
  repositories: readonly string[] | 'all'
  permissions: Permissions
  /** milliseconds since 1970 */
  expires: number
}

export interface TokenStore {
  /** The text of a new token. */
  add(token: Token): string
  /** undefined for one that never was, has expired, or whose installation is gone */
  find(text: string): Token | undefined
  /** Every token is of the past from now on. */
  expireAll(): void
  readonly isEmpty: boolean
}

// Source: GitHub, "Behind GitHub's new authentication token formats".
const PREFIXES = { installation: 'ghs_', personal: 'github_pat_' }

export function createTokenStore(clock: Clock): TokenStore {
  const tokens = new Map<string, Token>()
  let isEmpty = true
  return {
    add(token) {
      const text = PREFIXES[token.kind] + randomBytes(27).toString('base64url').replaceAll(/[-_]/g, '0')
      tokens.set(text, token)
      isEmpty = false
      return text
    },
    find(text) {
      const token = tokens.get(text)
      if (token === undefined || token.expires <= clock.now()) return undefined
      return token.installation?.isGone === true ? undefined : token
    },
    expireAll: () => tokens.clear(),
    get isEmpty() {
      return isEmpty
    },
  }
}

/** Whether a token was given for a repository, and, an installation's, is still. */
export function reaches(token: Token, fullName: string): boolean {
  if (token.installation !== undefined && !token.installation.covers(fullName)) return false
  return token.repositories === 'all' || token.repositories.includes(fullName)
}

const LEVELS = ['read', 'write', 'admin']

/** Whether `given` is at least `wanted`. Everybody who has anything may read metadata. */
export function suffices(given: Permissions, permission: string, wanted: string): boolean {
  if (permission === 'metadata' && wanted === 'read') return true
  return LEVELS.indexOf(given[permission] ?? '') >= LEVELS.indexOf(wanted)
}
