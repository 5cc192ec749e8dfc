import { type Answer, BAD_CREDENTIALS } from './answers.ts'
import type { App } from './apps.ts'
import type { Forge } from './forge.ts'
import { verifyAppToken } from './json-web-token.ts'
import { reaches, type Token } from './tokens.ts'

/** Who asks. `anybody` is everyone, as long as nobody has been given credentials: such a GitHub checks none. */
export type Caller =
  | { kind: 'anybody' }
  | { kind: 'anonymous' }
  | { kind: 'app'; app: App }
  | { kind: 'token'; token: Token }

/**
 * Who a request says it is from, or GitHub's refusal.
 * @param authorization the header: `Bearer …`, `token …`, or Basic with the token as the password, as git sends it
 */
export function identify(forge: Forge, authorization: string | undefined): Caller | Answer {
  if (forge.apps.size === 0 && forge.tokens.isEmpty) return { kind: 'anybody' }
  if (authorization === undefined) return { kind: 'anonymous' }
  const text = credentialOf(authorization)
  if (text.split('.').length === 3) {
    const app = verifyAppToken(text, forge.apps, forge.clock.now())
    return 'status' in app ? app : { kind: 'app', app }
  }
  const token = forge.tokens.find(text)
  return token === undefined ? BAD_CREDENTIALS : { kind: 'token', token }
}

function credentialOf(authorization: string): string {
  const [scheme = '', rest = ''] = authorization.split(' ')
  if (scheme.toLowerCase() !== 'basic') return rest
  const [user = '', password = ''] = Buffer.from(rest, 'base64').toString('utf8').split(':')
  return password === '' || password === 'x-oauth-basic' ? user : password
}

/** Whether somebody sees a repository at all. */
export function sees(caller: Caller, repository: { fullName: string; isPrivate: boolean }): boolean {
  return caller.kind === 'anybody' || !repository.isPrivate || hasInReach(caller, repository.fullName)
}

export function hasInReach(caller: Caller, fullName: string): boolean {
  return caller.kind === 'token' && reaches(caller.token, fullName)
}
