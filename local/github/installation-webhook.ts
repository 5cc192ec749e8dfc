import type { Installation } from './apps.ts'
import { type Delivery, signDelivery } from './delivery.ts'
import { describeInstallation } from './describe-app.ts'
import { describeOwner, GITHUB_COM, nodeId } from './describe-owner.ts'
import type { Repository } from './repository.ts'

export interface InstallationChange {
  action: 'created' | 'deleted'
  installation: Installation
  /** those that it reaches */
  repositories: Repository[]
}

/** The delivery that GitHub makes when an App is installed, or uninstalled. Source: GitHub, "Webhook events and payloads", installation. */
export function installationWebhook(
  { action, installation, repositories }: InstallationChange,
  secret: string,
): Promise<Delivery> {
  const body = {
    action,
    installation: describeInstallation(installation, GITHUB_COM),
    repositories: repositories.map(describeBriefly),
    sender: describeOwner(installation.app.owner, GITHUB_COM),
  }
  return signDelivery('installation', JSON.stringify(body), secret, 'integration')
}

export function describeBriefly({ id, fullName, isPrivate }: Repository): unknown {
  const name = fullName.slice(fullName.indexOf('/') + 1)
  return { id, node_id: nodeId('Repository', id), name, full_name: fullName, private: isPrivate }
}
