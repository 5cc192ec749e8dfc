import { randomBytes } from 'node:crypto'
import { type Answer, created, NOT_FOUND, ok, refusal } from '../answers.ts'
import { type App, type Installation, registerApp } from '../apps.ts'
import { isoSeconds } from '../clock.ts'
import { describeApp, describeInstallation } from '../describe-app.ts'
import { describeRepository } from '../describe-repository.ts'
import { findRepository } from '../forge.ts'
import { pageOf } from '../pages.ts'
import type { Repository } from '../repository.ts'
import type { RestCall } from '../rest-call.ts'
import { type Permissions, reaches, suffices } from '../tokens.ts'

// Source: GitHub REST API, "Create an installation access token for an app": one hour.
const HOUR = 3_600_000

/** A request that an App signed itself. */
export interface AppCall extends RestCall {
  app: App
}

export async function getApp({ app, addresses }: AppCall): Promise<Answer> {
  const installed = app.installations.filter(({ isGone }) => !isGone)
  return ok({ ...describeApp(app, addresses), installations_count: installed.length })
}

/** Source: GitHub REST API, "Get a repository installation for the authenticated app". */
export async function getRepositoryInstallation({
  app,
  forge,
  addresses,
  parameters,
}: AppCall): Promise<Answer> {
  const repository = findRepository(forge, `${parameters['owner']}/${parameters['repo']}`)
  if (repository === undefined) return NOT_FOUND
  const found = app.installations.find((installation) => installation.covers(repository.fullName))
  return found === undefined ? NOT_FOUND : ok(describeInstallation(found, addresses))
}

/** Source: GitHub REST API, "Create an installation access token for an app". */
export async function createInstallationToken(call: AppCall): Promise<Answer> {
  const { app, forge, addresses, parameters, body } = call
  const id = Number(parameters['installation_id'])
  const installation = app.installations.find((candidate) => candidate.id === id && !candidate.isGone)
  if (installation === undefined) return NOT_FOUND
  const named = namedRepositories(call, installation)
  if (named === undefined)
    return refusal(
      422,
      'There is at least one repository that does not exist or is not accessible to the parent installation.',
    )
  const asked = (body['permissions'] ?? installation.permissions) as Permissions
  if (!Object.entries(asked).every(([name, level]) => suffices(installation.permissions, name, level)))
    return refusal(422, 'The permissions requested are not granted to this installation.')
  const expires = forge.clock.now() + HOUR
  const permissions: Permissions = { ...asked, metadata: 'read' }
  const repositories = named === 'all' ? installation.repositories : named.map(({ fullName }) => fullName)
  const token = forge.tokens.add({
    kind: 'installation',
    id: installation.id,
    installation,
    repositories,
    permissions,
    expires,
  })
  return created({
    token,
    expires_at: isoSeconds(expires),
    permissions,
    repository_selection: named === 'all' && installation.repositories === 'all' ? 'all' : 'selected',
    ...(named === 'all'
      ? {}
      : {
          repositories: await Promise.all(
            named.map((repository) => describeRepository(repository, addresses)),
          ),
        }),
  })
}

/** What a request narrows a token to; undefined when that is not all within the installation. */
function namedRepositories(
  { app, forge, body }: AppCall,
  installation: Installation,
): Repository[] | 'all' | undefined {
  const names = (body['repositories'] ?? []) as string[]
  const ids = (body['repository_ids'] ?? []) as number[]
  if (names.length + ids.length === 0) return 'all'
  const found = [
    ...names.map((name) => findRepository(forge, `${app.owner}/${name}`)),
    ...ids.map((id) => [...forge.repositories.values()].find((repository) => repository.id === id)),
  ]
  const within = found.filter(
    (repository) => repository !== undefined && installation.covers(repository.fullName),
  ) as Repository[]
  return within.length === found.length ? within : undefined
}

/** Source: GitHub REST API, "List repositories accessible to the app installation". */
export async function listInstallationRepositories(call: RestCall): Promise<Answer> {
  const { caller, forge, addresses } = call
  if (caller.kind !== 'token' || caller.token.kind !== 'installation')
    return refusal(403, 'Resource not accessible by personal access token')
  const reached = [...forge.repositories.values()].filter(({ fullName }) => reaches(caller.token, fullName))
  const { items, headers } = pageOf(call, reached)
  const repositories = await Promise.all(items.map((repository) => describeRepository(repository, addresses)))
  return { ...ok({ total_count: reached.length, repositories }), headers }
}

export async function getHookConfig({ app }: AppCall): Promise<Answer> {
  return ok({ ...app.hook, secret: '********' })
}

export async function updateHookConfig(call: AppCall): Promise<Answer> {
  Object.assign(call.app.hook, call.body)
  return getHookConfig(call)
}

/** Source: GitHub REST API, "Create a GitHub App from a manifest": the one time that its secrets are shown. */
export async function convertManifest({ forge, parameters, addresses }: RestCall): Promise<Answer> {
  const settings = forge.manifests.take(parameters['code'] ?? '')
  if (settings === undefined) return NOT_FOUND
  const { app, privateKey } = registerApp(settings, forge.nextId(), forge.clock.now())
  forge.apps.set(app.id, app)
  return created({
    ...describeApp(app, addresses),
    client_id: `Iv23li${app.id}`,
    client_secret: randomBytes(20).toString('hex'),
    webhook_secret: app.hook.secret,
    pem: privateKey,
  })
}
