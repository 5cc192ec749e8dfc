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
    const { read } = webhookSecretReader(new SecretsManagerClient({}), 'the-webhook', () => now)
    stored(JSON.stringify(FIRST))
    expect(await read()).toEqual(FIRST)
    stored(JSON.stringify(SECOND))
    now += later
    expect(await read()).toEqual(expected)
  })

  test('an unreadable one is not kept: the next delivery asks again', async () => {
    const { read } = webhookSecretReader(new SecretsManagerClient({}), 'the-webhook', () => 0)
    stored('not yet')
    await expect(read()).rejects.toThrow('the webhook secret must be JSON')
    stored(JSON.stringify(FIRST))
    expect(await read()).toEqual(FIRST)
  })
})

describe('it is read again for a signature that does not fit, once in ten seconds', () => {
  const NOW = 1_000_000
  const clock = { now: NOW }
  const reader = () => {
    clock.now = NOW
    stored(JSON.stringify(FIRST))
    return webhookSecretReader(new SecretsManagerClient({}), 'the-webhook', () => clock.now)
  }

  test.each([
    ['at once after it was read', 0, undefined],
    ['ten seconds later', 10_000, undefined],
    ['after that', 10_001, SECOND],
  ])('%s', async (_, later, expected) => {
    const { read, readAgain } = reader()
    await read()
    stored(JSON.stringify(SECOND))
    clock.now += later
    expect(await readAgain()).toEqual(expected)
    expect(await read()).toEqual(expected ?? FIRST)
  })

  test('a thousand wrong signatures in a minute are six requests', async () => {
    const { read, readAgain } = reader()
    await read()
    for (let index = 0; index < 1000; index++) {
      clock.now += 60
      await readAgain()
    }
    // one when the first delivery came
    expect(secrets.calls()).toHaveLength(1 + 5)
  })

  test('an answer that does not come is not asked for at once again, and what was read before is good', async () => {
    const { read, readAgain } = reader()
    await read()
    clock.now += 20_000
    secrets.on(GetSecretValueCommand).rejects(new Error('InternalServiceError'))
    await expect(readAgain()).rejects.toThrow('InternalServiceError')
    expect(await readAgain()).toBeUndefined()
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
    const { read } = webhookSecretReader(new SecretsManagerClient({}), 'the-webhook')
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
