import { PutSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { createGitHub, type GitHub, type Installation, type Repository } from '../github/github.ts'
import type { Stack } from '../stack/start-stack.ts'

/** The company's GitHub: one private repository, the App that Hearth is, and a developer with a token of his own. */
export interface CompanyGitHub {
  github: GitHub
  /** of the App, on all of the company's repositories */
  installation: Installation
  repository: Repository
  webhookSecret: string
  /** PEM: for those who look whether it is found where it must not be */
  appKey: string
  /** what a laptop clones with */
  developerToken: string
  /** Gives Hearth the App's key and the webhook's secret, as `hearth github setup` does. */
  giveSecrets: (secrets: SecretsManagerClient, stack: Stack) => Promise<void>
}

// What `hearth github setup` asks for, and nothing more.
const APP = {
  permissions: { checks: 'write', statuses: 'write', contents: 'read', metadata: 'read' },
  events: ['push', 'delete', 'check_run', 'check_suite'],
}

/** @param bare the bare repository that GitHub serves as `repository` */
export async function startCompanyGitHub(repository: string, bare: string): Promise<CompanyGitHub> {
  const github = await createGitHub()
  const [owner = ''] = repository.split('/')
  const app = github.createApp({ owner, name: 'Hearth', ...APP })
  return {
    github,
    installation: app.install(owner, 'all'),
    repository: github.addRepository(repository, bare, { private: true }),
    webhookSecret: app.webhookSecret,
    appKey: app.privateKey,
    developerToken: github.createToken({ repositories: 'all', permissions: { contents: 'read' } }),
    async giveSecrets(secrets, stack) {
      const put = async (secret: string, value: object): Promise<void> => {
        const SecretId = stack.physicalId(secret)
        await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify(value) }))
      }
      await put('GitHubCredentials', { appId: app.appId, privateKey: app.privateKey })
      await put('WebhookSecret', { current: app.webhookSecret })
    },
  }
}
