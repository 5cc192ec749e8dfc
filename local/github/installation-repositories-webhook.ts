import type { Installation } from './apps.ts'
import { type Delivery, signDelivery } from './delivery.ts'
import { describeInstallation } from './describe-app.ts'
import { describeOwner, GITHUB_COM } from './describe-owner.ts'
import { describeBriefly } from './installation-webhook.ts'
import type { Repository } from './repository.ts'

export interface ReachChange {
  action: 'added' | 'removed'
  installation: Installation
  repositories: Repository[]
}

/**
 * The delivery that GitHub makes when an installed App is given repositories, or loses some.
 * Source: GitHub, "Webhook events and payloads", installation_repositories.
 */
export function installationRepositoriesWebhook(
  { action, installation, repositories }: ReachChange,
  secret: string,
): Promise<Delivery> {
  const changed = repositories.map(describeBriefly)
  const body = {
    action,
    installation: describeInstallation(installation, GITHUB_COM),
    repository_selection: installation.repositories === 'all' ? 'all' : 'selected',
    repositories_added: action === 'added' ? changed : [],
    repositories_removed: action === 'removed' ? changed : [],
    requester: null,
    sender: describeOwner(installation.app.owner, GITHUB_COM),
  }
  return signDelivery('installation_repositories', JSON.stringify(body), secret, 'integration')
}
