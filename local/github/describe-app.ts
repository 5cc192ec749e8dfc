import type { App, Installation } from './apps.ts'
import { isoSeconds } from './clock.ts'
import { type Addresses, describeOwner, nodeId, numberOf } from './describe-owner.ts'

/** Source: GitHub REST API, "Get the authenticated app". */
export function describeApp(app: App, addresses: Addresses): Record<string, unknown> {
  return {
    id: app.id,
    slug: app.slug,
    node_id: nodeId('App', app.id),
    owner: describeOwner(app.owner, addresses),
    name: app.name,
    description: '',
    external_url: 'https://example.org/hearth',
    html_url: `${addresses.html}/apps/${app.slug}`,
    created_at: isoSeconds(app.made),
    updated_at: isoSeconds(app.made),
    permissions: app.permissions,
    events: app.events,
  }
}

/** Source: GitHub REST API, "Get a repository installation for the authenticated app". */
export function describeInstallation(
  installation: Installation,
  addresses: Addresses,
): Record<string, unknown> {
  const { id, app, made } = installation
  const { api, html } = addresses
  return {
    id,
    account: describeOwner(app.owner, addresses),
    repository_selection: installation.repositories === 'all' ? 'all' : 'selected',
    access_tokens_url: `${api}/app/installations/${id}/access_tokens`,
    repositories_url: `${api}/installation/repositories`,
    html_url: `${html}/organizations/${app.owner}/settings/installations/${id}`,
    app_id: app.id,
    app_slug: app.slug,
    target_id: numberOf(app.owner),
    target_type: 'Organization',
    permissions: installation.permissions,
    events: app.events,
    created_at: isoSeconds(made),
    updated_at: isoSeconds(made),
    single_file_name: null,
    suspended_at: null,
    suspended_by: null,
  }
}
