import {
  jsonService,
  onlyFields,
  optionalString,
  ServiceError,
  stringField,
  type JsonObject,
} from '../gateway/json-service.ts'
import type { Call, Service } from '../gateway/service.ts'
import { secretArn, type Secret, type SecretStore, type SecretVersion } from './secret-store.ts'

/** 64 KiB. Source: Secrets Manager user guide, "Quotas". */
const VALUE_LIMIT = 65_536

/** Secrets Manager: CreateSecret, PutSecretValue, GetSecretValue, DescribeSecret. */
export function createSecretsService(store: SecretStore): Service {
  return jsonService('secretsmanager', 'secretsmanager', {
    CreateSecret(input, call) {
      onlyFields('CreateSecret', input, [
        'Name',
        'Description',
        'SecretString',
        'SecretBinary',
        'ClientRequestToken',
      ])
      const name = stringField(input, 'Name')
      call.authorize('secretsmanager:CreateSecret', secretArn(name), { 'secretsmanager:Name': name })
      if (store.find(name) !== undefined)
        throw new ServiceError(
          'ResourceExistsException',
          `The operation failed because the secret ${name} already exists.`,
        )
      const value = valueOf(input)
      const secret = store.create(name, optionalString(input, 'Description'))
      const version =
        value === undefined
          ? undefined
          : store.put(secret, value, optionalString(input, 'ClientRequestToken'))
      return { ARN: secret.arn, Name: name, ...(version === undefined ? {} : { VersionId: version.id }) }
    },

    PutSecretValue(input, call) {
      onlyFields('PutSecretValue', input, ['SecretId', 'SecretString', 'SecretBinary', 'ClientRequestToken'])
      const secret = authorizedSecret(store, call, 'secretsmanager:PutSecretValue', input)
      const value = valueOf(input)
      if (value === undefined)
        throw new ServiceError(
          'InvalidParameterException',
          'You must provide either SecretString or SecretBinary.',
        )
      const token = optionalString(input, 'ClientRequestToken')
      const earlier = secret.versions.find(({ id }) => id === token)
      if (earlier !== undefined && JSON.stringify(earlier.value) !== JSON.stringify(value))
        throw new ServiceError(
          'ResourceExistsException',
          'this ClientRequestToken has put another value before',
        )
      const version = earlier ?? store.put(secret, value, token)
      return { ARN: secret.arn, Name: secret.name, VersionId: version.id, VersionStages: version.stages }
    },

    GetSecretValue(input, call) {
      onlyFields('GetSecretValue', input, ['SecretId', 'VersionId', 'VersionStage'])
      const versionId = optionalString(input, 'VersionId')
      const stage =
        optionalString(input, 'VersionStage') ?? (versionId === undefined ? 'AWSCURRENT' : undefined)
      const secret = authorizedSecret(store, call, 'secretsmanager:GetSecretValue', input, {
        'secretsmanager:VersionId': versionId,
        'secretsmanager:VersionStage': stage,
      })
      const version = secret.versions.find(
        ({ id, stages }) =>
          (versionId === undefined || id === versionId) && (stage === undefined || stages.includes(stage)),
      )
      if (version === undefined)
        throw new ServiceError(
          'ResourceNotFoundException',
          `Secrets Manager can't find the specified secret value for ${versionId === undefined ? `staging label: ${stage}` : `VersionId: ${versionId}`}`,
        )
      return {
        ARN: secret.arn,
        Name: secret.name,
        VersionId: version.id,
        VersionStages: version.stages,
        CreatedDate: version.created,
        ...version.value,
      }
    },

    DescribeSecret(input, call) {
      onlyFields('DescribeSecret', input, ['SecretId'])
      const secret = authorizedSecret(store, call, 'secretsmanager:DescribeSecret', input)
      return {
        ARN: secret.arn,
        Name: secret.name,
        CreatedDate: secret.created,
        LastChangedDate: secret.versions[0]?.created ?? secret.created,
        VersionIdsToStages: Object.fromEntries(
          secret.versions.filter(({ stages }) => stages.length > 0).map(({ id, stages }) => [id, stages]),
        ),
        ...(secret.description === undefined ? {} : { Description: secret.description }),
      }
    },
  })
}

function authorizedSecret(
  store: SecretStore,
  call: Call,
  action: string,
  input: JsonObject,
  context: Record<string, string | undefined> = {},
): Secret {
  const id = stringField(input, 'SecretId')
  const secret = store.find(id)
  const unknownArn = id.startsWith('arn:') ? id : secretArn(id)
  call.authorize(action, secret?.arn ?? unknownArn, { 'secretsmanager:SecretId': id, ...context })
  if (secret === undefined)
    throw new ServiceError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.")
  return secret
}

function valueOf(input: JsonObject): SecretVersion['value'] | undefined {
  const text = optionalString(input, 'SecretString')
  const binary = optionalString(input, 'SecretBinary')
  if (text !== undefined && binary !== undefined)
    throw new ServiceError(
      'InvalidParameterException',
      'You cannot specify both SecretString and SecretBinary.',
    )
  if (Buffer.byteLength(text ?? binary ?? '') > VALUE_LIMIT)
    throw new ServiceError('InvalidParameterException', `a secret has at most ${VALUE_LIMIT} bytes`)
  if (text !== undefined) return { SecretString: text }
  return binary === undefined ? undefined : { SecretBinary: binary }
}
