import { type Answer, created, NOT_FOUND, noCommit, ok, refusal } from '../answers.ts'
import type { App } from '../apps.ts'
import type { Caller } from '../caller.ts'
import { change, type CheckRun, type CheckRunInput } from '../check-run-log.ts'
import { isoSeconds } from '../clock.ts'
import { describeApp } from '../describe-app.ts'
import { type Addresses, nodeId } from '../describe-owner.ts'
import { answerPage, pageOf } from '../pages.ts'
import type { RepositoryCall } from '../rest-call.ts'

// Source: GitHub REST API, "Create a check run": statuses that only GitHub Actions may set.
const OF_ACTIONS = ['waiting', 'requested', 'pending']

/** Source: GitHub REST API, "Create a check run". */
export async function createCheckRun(call: RepositoryCall): Promise<Answer> {
  const { repository, forge, caller, addresses } = call
  const input = call.body as CheckRunInput
  const refused = refuse(call.caller, input)
  if (refused !== undefined) return refused
  const { name = '', head_sha: sha = '' } = input
  if (!/^[0-9a-f]{40}$/.test(sha) || (await repository.findCommit(sha)) === undefined) return noCommit(sha)
  const now = isoSeconds(forge.clock.now())
  const app = appOf(caller)
  const run: CheckRun = {
    id: forge.nextId(),
    suite: forge.checkRuns.suiteOf(repository.fullName, sha, app, () => forge.nextId()),
    repository: repository.fullName,
    app,
    head_sha: sha,
    name,
    status: 'queued',
    conclusion: null,
    started_at: now,
    completed_at: null,
    details_url: null,
    external_id: '',
    output: { title: null, summary: null, text: null },
    annotations: [],
    history: [],
  }
  change(run, input, now)
  forge.checkRuns.add(run)
  return created(describeCheckRun(run, addresses))
}

/** Source: GitHub REST API, "Update a check run". */
export async function updateCheckRun(call: RepositoryCall): Promise<Answer> {
  const run = find(call)
  if (run === undefined) return NOT_FOUND
  const input = call.body as CheckRunInput
  const refused = refuse(call.caller, input)
  if (refused !== undefined) return refused
  const app = appOf(call.caller)
  if (app?.id !== run.app?.id)
    return refusal(
      403,
      `Invalid app_id \`${app?.id}\` - check run can only be modified by the GitHub App that created it.`,
    )
  change(run, input, isoSeconds(call.forge.clock.now()))
  return ok(describeCheckRun(run, call.addresses))
}

export async function getCheckRun(call: RepositoryCall): Promise<Answer> {
  const run = find(call)
  return run === undefined ? NOT_FOUND : ok(describeCheckRun(run, call.addresses))
}

/** Source: GitHub REST API, "List check run annotations". */
export async function listAnnotations(call: RepositoryCall): Promise<Answer> {
  const run = find(call)
  if (run === undefined) return NOT_FOUND
  const blob = `${call.addresses.html}/${run.repository}/blob/${run.head_sha}`
  return answerPage(call, run.annotations, (annotation) => ({
    start_column: null,
    end_column: null,
    title: null,
    raw_details: null,
    ...annotation,
    blob_href: `${blob}/${annotation.path}`,
  }))
}

/** Source: GitHub REST API, "List check runs for a Git reference": the newest of each name, unless `filter=all`. */
export async function listCheckRuns(call: RepositoryCall): Promise<Answer> {
  const { repository, forge, parameters, query, addresses } = call
  const commit = await repository.findCommit(parameters['ref'] ?? '')
  if (commit === undefined) return noCommit(parameters['ref'] ?? '')
  const wanted = (key: string, value: unknown): boolean =>
    query.get(key) === null || query.get(key) === String(value)
  const found = forge.checkRuns.all
    .filter((run) => run.repository === repository.fullName && run.head_sha === commit.sha)
    .filter(
      (run) =>
        wanted('check_name', run.name) && wanted('status', run.status) && wanted('app_id', run.app?.id),
    )
    .toReversed()
  const runs =
    query.get('filter') === 'all'
      ? found
      : found.filter(
          (run, index) =>
            found.findIndex((other) => other.name === run.name && other.suite === run.suite) === index,
        )
  const { items, headers } = pageOf(call, runs)
  const described = items.map((run) => describeCheckRun(run, addresses))
  return { ...ok({ total_count: runs.length, check_runs: described }), headers }
}

function find({ forge, repository, parameters }: RepositoryCall): CheckRun | undefined {
  const id = Number(parameters['check_run_id'])
  return forge.checkRuns.all.find((run) => run.id === id && run.repository === repository.fullName)
}

function refuse(caller: Caller, { status, conclusion, completed_at }: CheckRunInput): Answer | undefined {
  if (caller.kind === 'token' && caller.token.kind === 'personal')
    return refusal(403, 'You must authenticate via a GitHub App.')
  if (status !== undefined && OF_ACTIONS.includes(status))
    return refusal(422, `Invalid request.\n\nOnly GitHub Actions can set the status ${status}.`)
  // "Required if you provide completed_at or a status of completed", say the words of the schema
  if (conclusion === undefined && (status === 'completed' || completed_at !== undefined))
    return refusal(422, 'Invalid request.\n\n"conclusion" wasn\'t supplied.')
  return undefined
}

function appOf(caller: Caller): App | undefined {
  return caller.kind === 'token' ? caller.token.installation?.app : undefined
}

/** A check run, as answers and deliveries describe it. */
export function describeCheckRun(run: CheckRun, addresses: Addresses): Record<string, unknown> {
  const { id, repository, app, suite, output, annotations } = run
  const url = `${addresses.api}/repos/${repository}/check-runs/${id}`
  return {
    id,
    node_id: nodeId('CheckRun', id),
    head_sha: run.head_sha,
    external_id: run.external_id,
    url,
    html_url: `${addresses.html}/${repository}/runs/${id}`,
    details_url: run.details_url,
    status: run.status,
    conclusion: run.conclusion,
    started_at: run.started_at,
    completed_at: run.completed_at,
    output: { ...output, annotations_count: annotations.length, annotations_url: `${url}/annotations` },
    name: run.name,
    check_suite: { id: suite },
    app: app === undefined ? null : describeApp(app, addresses),
    pull_requests: [],
  }
}
