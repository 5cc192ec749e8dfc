import { currentConfig } from '../../../functions/shared/config.ts'
import { HearthError } from '../../../functions/shared/errors.ts'
import type { Deployment } from '../deployment.ts'
import { askAccess } from './ask-access.ts'
import { convertManifest } from './convert-manifest.ts'
import { appManifest } from './manifest.ts'
import { serveManifestPage } from './manifest-page.ts'
import { describeByHand, describePlainWebhook } from './steps.ts'
import { putCredentials, replaceWebhookSecret } from './stored-secrets.ts'

/** There are credentials already. */
export class AlreadySetUp extends HearthError {
  override name = 'AlreadySetUp'
}

/** GitHub has made the App, and its key could not be kept. */
export class AppNotKept extends HearthError {
  override name = 'AppNotKept'
}

export class NoTokenGiven extends HearthError {
  override name = 'NoTokenGiven'
}

export interface SetupOptions {
  /** whose App it becomes; one's own account when absent */
  org?: string
  name?: string
  /** where GitHub finds the webhook, when it has another address than the deployment's own */
  url?: string
  port: number
  replace?: boolean
}

export interface SetupParts {
  json: boolean
  say: (line: string) => void
  /** called with the page to open */
  onPage?: (url: string) => void
}

// 30 minutes: a person, who may have to ask another one
const PATIENCE_MS = 30 * 60 * 1000

/** `hearth github setup`: makes a GitHub App of a manifest, and keeps its key where only the functions that make tokens read it. */
export async function setUpApp(
  deployment: Deployment,
  options: SetupOptions,
  { json, say, onPage }: SetupParts,
): Promise<void> {
  const { api, git, repositories, webhook } = await prepare(deployment, options)
  const [first = ''] = repositories
  const page = await serveManifestPage({
    web: git,
    org: options.org,
    port: options.port,
    milliseconds: PATIENCE_MS,
    manifest: (redirect) =>
      appManifest(
        options.org ?? first.split('/')[0] ?? '',
        { homepage: `${git}/${first}`, webhook, redirect },
        options.name,
      ),
  })
  try {
    if (!json) {
      say(`Open this in a browser on this machine, where you are signed in to GitHub:\n  ${page.url}`)
      say('From another machine: ssh -L with its port, or `hearth github setup --print`.')
    }
    onPage?.(page.url)
    const app = await convertManifest(api, await page.code)
    await keep(deployment, app)
    const install = `${app.url}/installations/new`
    if (json) say(JSON.stringify({ appId: app.appId, app: app.url, install, webhook }))
    else
      say(
        `GitHub App ${app.appId} is made, and its key is kept.\nNow install it, on the repositories of hearth.yml and their private inputs:\n  ${install}\n${repositories.map((name) => `  - ${name}`).join('\n')}\nThen: hearth github status; and when GitHub has shown you a delivery: hearth github rotate-secret --finish`,
      )
  } finally {
    await page.close()
  }
}

/** `hearth github setup --token`: for those who may not install an App. */
export async function setUpToken(
  deployment: Deployment,
  options: Pick<SetupOptions, 'replace' | 'url'>,
  text: string,
  { json, say }: SetupParts,
): Promise<void> {
  const token = text.trim()
  if (!/^[\w.-]{20,255}$/.test(token))
    throw new NoTokenGiven(
      'standard input has no token of GitHub: `hearth github setup --token < file`, and delete the file',
    )
  const { git, repositories, webhook } = await prepare(deployment, options)
  await putCredentials(deployment, { token })
  if (json) say(JSON.stringify({ token: true, webhook }))
  else say(`The token is kept.\n${describePlainWebhook(git, repositories, webhook, deployment.stage)}`)
}

/** `hearth github setup --print` */
export async function printSteps(
  deployment: Deployment,
  options: Pick<SetupOptions, 'org' | 'url'>,
  { json, say }: SetupParts,
): Promise<void> {
  const { git, repositories, webhook } = await prepare(deployment, { ...options, replace: true })
  const steps = [
    describeByHand(git, options.org, webhook, deployment),
    describePlainWebhook(git, repositories, webhook, deployment.stage),
  ]
  say(json ? JSON.stringify({ webhook, steps }) : steps.join('\n\n'))
}

/** Finds the deployment and what it is configured for, before anything is made. */
async function prepare(deployment: Deployment, { replace, url }: Pick<SetupOptions, 'replace' | 'url'>) {
  const { credentials, webhook } = await askAccess(deployment)
  if (credentials !== 'none' && replace !== true)
    throw new AlreadySetUp(
      `this deployment has ${credentials === 'app' ? 'a GitHub App' : 'a token of GitHub'} already: \`hearth github status\` looks at it, --replace replaces it`,
    )
  const { config } = await currentConfig(deployment.state)
  return {
    ...config.github,
    repositories: [
      ...new Set(config.repositories.flatMap(({ name, privateInputs }) => [name, ...privateInputs])),
    ],
    webhook: url ?? webhook,
  }
}

async function keep(
  deployment: Deployment,
  { appId, url, privateKey, webhookSecret }: Awaited<ReturnType<typeof convertManifest>>,
): Promise<void> {
  try {
    await putCredentials(deployment, { appId, privateKey })
    await replaceWebhookSecret(deployment, webhookSecret, true)
  } catch (error) {
    const { name } = error instanceof Error ? error : { name: 'Error' }
    throw new AppNotKept(
      `GitHub has made the App ${url}, and its key or webhook secret could not be put into Secrets Manager (${name}): delete the App on its page, see that you may use secretsmanager:PutSecretValue, and run it again`,
    )
  }
}
