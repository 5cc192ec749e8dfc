import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { mockClient } from 'aws-sdk-client-mock'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { handler as Handler } from '../../../../functions/token/index.ts'
import { storedConfig } from '../../../../functions/shared/config.ts'
import { Buckets } from '../buckets.ts'
import { captureLog, context } from '../lambda.ts'
import { CONFIG } from '../resolve/config.ts'

const secrets = mockClient(SecretsManagerClient)
let handler: typeof Handler
let log: ReturnType<typeof captureLog>

beforeEach(async () => {
  vi.stubEnv('STATE_BUCKET', 'state')
  vi.stubEnv('GITHUB_CREDENTIALS', 'credentials')
  log = captureLog()
  secrets.reset()
  secrets.on(GetSecretValueCommand).resolves({ SecretString: '{"token":"planted"}' })
  new Buckets().put('state/config/current.json', storedConfig(CONFIG))
  ;({ handler } = await import('../../../../functions/token/index.ts'))
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

const ask = (repository: string) => handler({ kind: 'report', repository }, context)

describe('a token is for a repository of hearth.yml alone', () => {
  test.each(['acme/shells', 'Acme/SHELLS'])('%s, however GitHub spells it', async (repository) => {
    expect(await ask(repository)).toEqual({ token: 'planted', isApp: false })
    expect(log.text()).not.toContain('planted')
  })

  test.each(['acme/other', 'other/shells', 'acme/shells-2'])(
    'not %s: the secret is not even read',
    async (name) => {
      await expect(ask(name)).rejects.toMatchObject({
        name: 'NotConfigured',
        message: `${name} is not among the repositories of hearth.yml: add it and run \`hearth config push\``,
      })
      expect(secrets.commandCalls(GetSecretValueCommand)).toEqual([])
    },
  )
})
