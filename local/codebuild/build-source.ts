import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import type { Credentials } from '../gateway/credentials.ts'
import { REGION } from '../gateway/service.ts'
import { isObject } from '../json-object.ts'
import { unzip } from '../zip/read-zip.ts'
import type { BuildRecord } from './build-record.ts'
import { InvalidBuildspec, parseBuildspec, type Buildspec } from './buildspec.ts'

/** What CodeBuild fetches before a build's commands run, with the rights of the project's service role. */
export interface RoleAccess {
  credentials: Credentials
  endpoint: string
}

/**
 * Fetches and unzips the source, `<bucket>/<key of a zip>`, into `folder`.
 * @throws what S3 answers (AccessDenied, NoSuchKey), and InvalidZip
 */
export async function downloadSource(
  source: BuildRecord['source'],
  folder: string,
  access: RoleAccess,
): Promise<void> {
  if (source.type === 'NO_SOURCE') return
  const [bucket = '', ...key] = (source.location ?? '').split('/')
  const s3 = new S3Client({ ...access, region: REGION, forcePathStyle: true })
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key.join('/') }))
    unzip(Buffer.from((await Body?.transformToByteArray()) ?? []), folder)
  } finally {
    s3.destroy()
  }
}

/**
 * The buildspec of a build: written into the project, or a file of the source (`buildspec.yml` by default).
 * @throws InvalidBuildspec
 */
export function readBuildspec(buildspec: string | undefined, sourceFolder: string): Buildspec {
  const isInline = buildspec?.includes('\n') === true || buildspec?.trimStart().startsWith('{') === true
  if (isInline) return parseBuildspec(buildspec ?? '')
  const file = join(sourceFolder, buildspec ?? 'buildspec.yml')
  if (!existsSync(file)) throw new InvalidBuildspec(`stat ${buildspec ?? 'buildspec.yml'}: no such file`)
  return parseBuildspec(readFileSync(file, 'utf8'))
}

/**
 * The environment variables of a build, each by its value. Those of the buildspec give way to those of the project.
 * @throws what Secrets Manager answers
 */
export async function resolveVariables(
  build: BuildRecord,
  buildspec: Buildspec,
  access: RoleAccess,
): Promise<Record<string, string>> {
  const variables = { ...buildspec.variables }
  const secrets = { ...buildspec.secrets }
  for (const { name, value, type } of build.environment.environmentVariables) {
    if (type === 'SECRETS_MANAGER') secrets[name] = value
    else variables[name] = value
  }
  if (Object.keys(secrets).length === 0) return variables
  const client = new SecretsManagerClient({ ...access, region: REGION })
  try {
    for (const [name, reference] of Object.entries(secrets))
      variables[name] = await readSecret(client, reference)
  } finally {
    client.destroy()
  }
  return variables
}

/** `secret-id:json-key:version-stage:version-id`; an id that is an ARN holds six colons of its own. */
async function readSecret(client: SecretsManagerClient, reference: string): Promise<string> {
  const parts = reference.split(':')
  const idParts = reference.startsWith('arn:') ? 7 : 1
  const [jsonKey, stage, version] = parts.slice(idParts)
  const { SecretString = '' } = await client.send(
    new GetSecretValueCommand({
      SecretId: parts.slice(0, idParts).join(':'),
      ...(stage ? { VersionStage: stage } : {}),
      ...(version ? { VersionId: version } : {}),
    }),
  )
  if (!jsonKey) return SecretString
  const secret: unknown = JSON.parse(SecretString)
  const value = isObject(secret) ? secret[jsonKey] : undefined
  if (typeof value !== 'string') throw new Error(`the secret has no string "${jsonKey}"`)
  return value
}
