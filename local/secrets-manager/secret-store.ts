import { createHash, randomUUID } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { ACCOUNT, REGION } from '../gateway/service.ts'

export interface SecretVersion {
  id: string
  value: { SecretString: string } | { SecretBinary: string }
  stages: string[]
  /** seconds since 1970 */
  created: number
}

export interface Secret {
  name: string
  arn: string
  description?: string
  created: number
  /** newest first */
  versions: SecretVersion[]
}

/** Secrets in one file that its owner alone may read. */
export interface SecretStore {
  /** by name, ARN, or ARN without its random suffix */
  find(id: string): Secret | undefined
  create(name: string, description?: string): Secret
  /** Adds a version; it becomes AWSCURRENT, and what was so becomes AWSPREVIOUS. */
  put(secret: Secret, value: SecretVersion['value'], versionId?: string): SecretVersion
}

export function createSecretStore(file: string): SecretStore {
  const secrets: Secret[] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []
  const save = (): void => {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(`${file}.new`, JSON.stringify(secrets), { mode: 0o600 })
    chmodSync(`${file}.new`, 0o600)
    renameSync(`${file}.new`, file)
  }
  return {
    find: (id) =>
      secrets.find(({ name, arn }) => id === name || id === arn || id === arn.slice(0, -SUFFIX_LENGTH)),
    create(name, description) {
      const secret: Secret = {
        name,
        arn: secretArn(name),
        created: Date.now() / 1000,
        versions: [],
        ...(description === undefined ? {} : { description }),
      }
      secrets.push(secret)
      save()
      return secret
    },
    put(secret, value, versionId = randomUUID()) {
      for (const version of secret.versions) {
        const wasCurrent = version.stages.includes('AWSCURRENT')
        version.stages = version.stages.filter((stage) => stage !== 'AWSCURRENT' && stage !== 'AWSPREVIOUS')
        if (wasCurrent) version.stages.push('AWSPREVIOUS')
      }
      const version: SecretVersion = {
        id: versionId,
        value,
        stages: ['AWSCURRENT'],
        created: Date.now() / 1000,
      }
      secret.versions.unshift(version)
      save()
      return version
    },
  }
}

/** A hyphen and six characters, which Secrets Manager chooses at random; here by the name, so that a new folder gives the same ARN. */
const SUFFIX_LENGTH = 7

export function secretArn(name: string): string {
  const suffix = createHash('sha256')
    .update(name)
    .digest('base64')
    .replaceAll(/[^A-Za-z0-9]/g, '')
    .slice(0, 6)
  return `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:${name}-${suffix}`
}
