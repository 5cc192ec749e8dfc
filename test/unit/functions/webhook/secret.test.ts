import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { mockClient } from 'aws-sdk-client-mock'
import { beforeEach, describe, expect, test } from 'vitest'
import { webhookSecretReader } from '../../../../functions/webhook/secret.ts'

const secrets = mockClient(SecretsManagerClient)
const FIRST = { current: 'first-secret-of-the-webhook' }
const SECOND = { current: 'second-secret-of-the-webhook', previous: FIRST.current }

beforeEach(() => {
  secrets.reset()
})

const stored = (text: string | undefined): void => {
  secrets
    .on(GetSecretValueCommand, { SecretId: 'the-webhook' })
    .resolves(text === undefined ? {} : { SecretString: text })
}

describe('the secret is kept for five minutes', () => {
  test.each([
    ['at once', 0, FIRST],
    ['just before five minutes are over', 299_999, FIRST],
    ['after five minutes', 300_000, SECOND],
  ])('%s a rotated one is read as', async (_, later, expected) => {
    let now = 1_000_000
    const read = webhookSecretReader(new SecretsManagerClient({}), 'the-webhook', () => now)
    stored(JSON.stringify(FIRST))
    expect(await read()).toEqual(FIRST)
    stored(JSON.stringify(SECOND))
    now += later
    expect(await read()).toEqual(expected)
  })

  test('an unreadable one is not kept: the next delivery asks again', async () => {
    const read = webhookSecretReader(new SecretsManagerClient({}), 'the-webhook', () => 0)
    stored('not yet')
    await expect(read()).rejects.toThrow('the webhook secret must be JSON')
    stored(JSON.stringify(FIRST))
    expect(await read()).toEqual(FIRST)
  })
})

describe('a secret of another form is refused, and never part of the message', () => {
  test.each([
    ['nothing', undefined],
    ['plain text', 'hunter2-hunter2-hunter2'],
    ['JSON that is cut short', '{"current": "hunter2-hunter2-hunter2"'],
    ['no current secret', '{"previous": "hunter2-hunter2-hunter2"}'],
    ['a current secret that is easily guessed', '{"current": "hunter2"}'],
    ['a previous secret that is easily guessed', '{"current": "hunter2-hunter2-hunter2", "previous": "x"}'],
    ['a previous secret that is empty', '{"current": "hunter2-hunter2-hunter2", "previous": ""}'],
    ['something else than text', '{"current": ["hunter2-hunter2-hunter2"]}'],
  ])('%s', async (_, text) => {
    stored(text)
    const read = webhookSecretReader(new SecretsManagerClient({}), 'the-webhook')
    const error = await read().then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    )
    expect(error).toMatchObject({
      name: 'InvalidWebhookSecret',
      message:
        'the webhook secret must be JSON of the form {"current": "…", "previous": "…"}: at least 16 characters each, and "previous" only while both are in use',
    })
    expect(`${error?.stack}${JSON.stringify(error)}${String(error?.cause)}`).not.toContain('hunter2')
  })
})
