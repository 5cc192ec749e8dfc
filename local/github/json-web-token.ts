import { verify } from 'node:crypto'
import { type Answer, refusal } from './answers.ts'
import type { App } from './apps.ts'
import { isObject } from '../json-object.ts'

// Source: GitHub, "Generating a JSON Web Token (JWT) for a GitHub App": no more than 10 minutes into the future.
const LONGEST_SECONDS = 600
// Clocks are not quite the same: GitHub advises to say `iat` 60 s in the past, so that much is forgiven.
const CLOCK_SECONDS = 60

/**
 * The App that signed a token, or GitHub's refusal of it.
 * Source: GitHub, "Generating a JSON Web Token (JWT) for a GitHub App"; JWT is RFC 7519, RS256 is RFC 7518, section 3.3.
 * @param now milliseconds since 1970
 */
export function verifyAppToken(token: string, apps: ReadonlyMap<number, App>, now: number): App | Answer {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const algorithm = decode(header)?.['alg']
  const claims = decode(payload)
  if (claims === undefined || algorithm !== 'RS256') return UNDECODABLE
  const { iss, iat, exp } = claims
  const app = apps.get(Number(iss))
  if (iss === undefined) return refusal(401, "Missing 'issuer' claim ('iss')")
  if (app === undefined) return refusal(404, 'Integration not found')
  const signed = Buffer.from(`${header}.${payload}`)
  if (!verify('RSA-SHA256', signed, app.publicKey, Buffer.from(signature, 'base64url'))) return UNDECODABLE
  const seconds = now / 1000
  if (!Number.isInteger(iat) || Number(iat) > seconds + CLOCK_SECONDS)
    return refusal(
      401,
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    )
  if (!Number.isInteger(exp) || Number(exp) <= seconds)
    return refusal(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    )
  if (Number(exp) > seconds + LONGEST_SECONDS)
    return refusal(401, "'Expiration time' claim ('exp') is too far in the future")
  return app
}

export const UNDECODABLE = refusal(401, 'A JSON web token could not be decoded')

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
