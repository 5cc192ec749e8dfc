import type { Deployment } from '../deployment.ts'
import { EVENTS, PERMISSIONS, PLAIN_EVENTS } from './manifest.ts'

/** What to click for an App, for those whose browser is not on this machine. */
export function describeByHand(
  web: string,
  org: string | undefined,
  webhook: string,
  { gitHubCredentials, webhookSecret }: Pick<Deployment, 'gitHubCredentials' | 'webhookSecret'>,
): string {
  const page =
    org === undefined ? `${web}/settings/apps/new` : `${web}/organizations/${org}/settings/apps/new`
  const permissions = Object.entries(PERMISSIONS).map(([name, level]) => `${name}: ${level}`)
  return `A GitHub App by hand:
  1. Open ${page}
  2. Webhook URL: ${webhook}; Webhook secret: a random one of 32 characters or more.
  3. Repository permissions: ${permissions.join(', ')}. Nothing else.
  4. Subscribe to events: ${EVENTS.join(', ')}.
  5. Only on this account. Create it, and generate a private key: a file is downloaded.
  6. Put App ID and key, and the webhook secret, into Secrets Manager, by files that you delete afterwards:
       jq -n --rawfile key key.pem '{appId: 123456, privateKey: $key}' > app.json
       aws secretsmanager put-secret-value --secret-id ${gitHubCredentials} --secret-string file://app.json
       aws secretsmanager put-secret-value --secret-id ${webhookSecret} --secret-string file://webhook.json   # {"current": "…"}
  7. Install the App on the repositories of hearth.yml and on their private inputs, then: hearth github status`
}

/** How repositories tell Hearth of pushes without an App. */
export function describePlainWebhook(
  web: string,
  repositories: string[],
  webhook: string,
  stage: string,
): string {
  return `Plain webhooks, without an App:
  1. A fine-grained token for ${repositories.join(', ')}, with contents: read and commit statuses: read and write:
       hearth --stage ${stage} github setup --token < file
  2. In each of them, Settings, Webhooks, Add webhook:
${repositories.map((name) => `       ${web}/${name}/settings/hooks/new`).join('\n')}
     Payload URL: ${webhook}
     Content type: application/json
     Secret: what \`hearth --stage ${stage} github rotate-secret\` prints
     Events: ${PLAIN_EVENTS.join(', ')} ("Let me select individual events")
  Check runs, with their tables and \`Re-run\`, are for Apps alone: GitHub lets nobody else write them.`
}
