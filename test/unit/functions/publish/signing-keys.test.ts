import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { mockClient } from 'aws-sdk-client-mock'
import { beforeEach, describe, expect, test } from 'vitest'
import { readSigningKeys } from '../../../../functions/publish/signing-keys.ts'
import { formatSecretKey, generateSecretKey } from '../../../../nix/signature.ts'

const secrets = mockClient(SecretsManagerClient)
const one = formatSecretKey(generateSecretKey('cache-1'))
const two = formatSecretKey(generateSecretKey('cache-2'))

beforeEach(() => {
  secrets.reset()
})
const read = (text: string | undefined) => {
  secrets
    .on(GetSecretValueCommand, { SecretId: 'the-keys' })
    .resolves(text === undefined ? {} : { SecretString: text })
  return readSigningKeys(new SecretsManagerClient({}), 'the-keys')
}

describe('every key of the secret signs', () => {
  test.each([
    ['one', [one], ['cache-1']],
    ['two, while one takes the place of the other', [one, two], ['cache-1', 'cache-2']],
  ])('%s', async (_, keys, names) => {
    expect((await read(JSON.stringify({ keys }))).map(({ name }) => name)).toEqual(names)
  })
})

describe('without a key nothing is published', () => {
  test.each([
    ['no secret', undefined],
    ['the secret of a fresh deployment', '{"keys": []}'],
    ['a key that stands alone', one],
    ['keys of another form', JSON.stringify({ keys: one })],
    ['JSON that is cut short', JSON.stringify({ keys: [one] }).slice(0, -2)],
  ])('%s', async (_, text) => {
    const error = await read(text).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    )
    expect(error).toMatchObject({ name: 'NoSigningKey' })
    expect(`${error?.stack}${String(error?.cause)}`).not.toContain(one.slice('cache-1:'.length))
  })

  test.each([
    ['a key that is cut short', one.slice(0, -8)],
    ['a public key in its place', `cache-1:${one.slice(-44)}`],
    ['a key without a name', one.slice('cache-1'.length)],
  ])('%s', async (_, key) => {
    const error = await read(JSON.stringify({ keys: [two, key] })).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    )
    expect(error).toMatchObject({ name: 'InvalidKey' })
    expect(`${error?.stack}${String(error?.cause)}`).not.toContain(one.slice('cache-1:'.length, -12))
  })
})
