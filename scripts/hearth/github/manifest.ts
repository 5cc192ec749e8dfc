/** A GitHub App before it is one. Source: GitHub docs, "Registering a GitHub App from a manifest". */
export interface AppManifest {
  name: string
  url: string
  hook_attributes: { url: string; active: true }
  redirect_url: string
  public: false
  default_permissions: Record<string, 'read' | 'write'>
  default_events: string[]
}

// Names of Apps have at most 34 characters, and are unique on all of GitHub.
const LONGEST_NAME = 34

/** What `hearth github setup` asks GitHub for. `installation` events come to every App. */
export const PERMISSIONS = {
  checks: 'write',
  statuses: 'write',
  contents: 'read',
  metadata: 'read',
} as const
export const EVENTS = ['push', 'delete', 'check_run', 'check_suite']
/** of a plain webhook: re-runs belong to check runs, which only Apps write */
export const PLAIN_EVENTS = ['push', 'delete']

/**
 * @param owner whose App it is
 * @param homepage what GitHub shows people as its page
 * @param webhook where deliveries go
 * @param redirect where GitHub sends the browser, with the code
 */
export function appManifest(
  owner: string,
  urls: { homepage: string; webhook: string; redirect: string },
  name = `hearth-${owner}`,
): AppManifest {
  return {
    name: name.slice(0, LONGEST_NAME),
    url: urls.homepage,
    hook_attributes: { url: urls.webhook, active: true },
    redirect_url: urls.redirect,
    public: false,
    default_permissions: PERMISSIONS,
    default_events: EVENTS,
  }
}

/** Where GitHub takes a manifest. @param web base URL of GitHub's pages @param org undefined for an App of one's own */
export function manifestAction(web: string, org: string | undefined, state: string): string {
  const path = org === undefined ? 'settings/apps/new' : `organizations/${org}/settings/apps/new`
  return `${web}/${path}?state=${state}`
}
