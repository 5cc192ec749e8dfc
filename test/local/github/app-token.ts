import { createPrivateKey, sign } from 'node:crypto'
import type { RegisteredApp } from '../../../local/github/github.ts'
import type { Acme } from './forge-of-acme.ts'

/** A JSON Web Token as an App signs it. Source: RFC 7519. */
export function appToken(app: RegisteredApp, claims: object = {}, key = app.privateKey): string {
  const now = Math.floor(Date.now() / 1000)
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const payload = { iat: now - 30, exp: now + 300, iss: app.appId, ...claims }
  const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(payload)}`
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), createPrivateKey(key)).toString('base64url')}`
}

/** An installation's token, narrowed to what is asked. */
export async function tokenOf(
  { as }: Acme,
  app: RegisteredApp,
  installation: number,
  asked: object,
): Promise<string> {
  const { data } = await as(appToken(app))('POST /app/installations/{installation_id}/access_tokens', {
    installation_id: installation,
    ...asked,
  })
  return data.token
}
