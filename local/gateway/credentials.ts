import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Caller } from './service.ts'
import { ACCOUNT } from './service.ts'

/** What an AWS SDK needs to sign as somebody. */
export interface Credentials {
  accessKeyId: string
  secretAccessKey: string
  /** present for roles: their credentials are temporary */
  sessionToken?: string
}

/** What stands behind an access key. */
export interface KeyHolder {
  secretAccessKey: string
  sessionToken?: string
  caller: Caller
}

export interface CredentialStore {
  /** New credentials that speak for `caller`, valid until the stack closes. */
  mint: (caller: Exclude<Caller, { kind: 'anonymous' }>) => Credentials
  lookup: (accessKeyId: string) => KeyHolder | undefined
  /** The credentials of the person at this machine: the same after every restart. */
  readonly operator: Credentials
}

export const OPERATOR: Extract<Caller, { kind: 'operator' }> = {
  kind: 'operator',
  arn: `arn:aws:iam::${ACCOUNT}:user/operator`,
  userId: 'AIDALOCALOPERATOR0000',
}

/**
 * Keeps who may sign what. The prefixes are AWS's own: `AKIA` for long-lived keys, `ASIA` for temporary ones.
 * Source: IAM user guide, "Understanding unique ID prefixes".
 * @param operatorFile where the operator's key lives between starts, readable by its owner alone
 */
export function createCredentialStore(operatorFile: string): CredentialStore {
  const holders = new Map<string, KeyHolder>()
  const operator = readOrCreateOperator(operatorFile)
  holders.set(operator.accessKeyId, { secretAccessKey: operator.secretAccessKey, caller: OPERATOR })

  return {
    operator,
    lookup: (accessKeyId) => holders.get(accessKeyId),
    mint(caller) {
      const credentials: Credentials = {
        accessKeyId: accessKeyId(caller.kind === 'role' ? 'ASIA' : 'AKIA'),
        secretAccessKey: randomBytes(30).toString('base64'),
        ...(caller.kind === 'role' ? { sessionToken: randomBytes(60).toString('base64') } : {}),
      }
      holders.set(credentials.accessKeyId, {
        secretAccessKey: credentials.secretAccessKey,
        caller,
        ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken }),
      })
      return credentials
    },
  }
}

/** The environment variables from which every AWS SDK takes its credentials, region and endpoint. */
export function credentialEnvironment(
  credentials: Credentials,
  endpoint: string,
  region: string,
): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    ...(credentials.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: credentials.sessionToken }),
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ENDPOINT_URL: endpoint,
  }
}

function readOrCreateOperator(file: string): Credentials {
  if (existsSync(file)) {
    const stored: Partial<Credentials> = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof stored.accessKeyId === 'string' && typeof stored.secretAccessKey === 'string')
      return { accessKeyId: stored.accessKeyId, secretAccessKey: stored.secretAccessKey }
    throw new Error(`${file} holds no access key: remove it, and the next start makes a new one`)
  }
  const made = { accessKeyId: accessKeyId('AKIA'), secretAccessKey: randomBytes(30).toString('base64') }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify(made), { mode: 0o600 })
  chmodSync(file, 0o600)
  return made
}

/** 20 characters of base32, as AWS's access key ids have. */
function accessKeyId(prefix: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  return prefix + Array.from(randomBytes(16), (byte) => alphabet[byte % 32]).join('')
}
