import type { CheckRun } from './check-run-log.ts'
import { type About, deliver, type Delivery } from './delivery.ts'
import { describeApp } from './describe-app.ts'
import { GITHUB_COM, nodeId } from './describe-owner.ts'
import type { Repository } from './repository.ts'

/**
 * The delivery that GitHub makes when somebody asks to run all checks of a commit again.
 * Source: GitHub, "Webhook events and payloads", check_suite.
 * @param run any of the suite's
 */
export async function checkSuiteWebhook(
  { run, ...about }: About & { run: CheckRun },
  secret: string,
): Promise<Delivery> {
  const suite = await describeSuite(run, about.repository)
  const head = await about.repository.findCommit(run.head_sha)
  const person = (who: { name: string; email: string } | undefined): unknown => ({
    name: who?.name ?? '',
    email: who?.email ?? null,
  })
  return deliver(
    'check_suite',
    about,
    {
      action: 'rerequested',
      check_suite: {
        ...suite,
        latest_check_runs_count: 1,
        check_runs_url: `${suite['url'] as string}/check-runs`,
        head_commit: {
          id: run.head_sha,
          tree_id: head?.tree ?? '',
          message: head?.message ?? '',
          timestamp: head?.committer.date ?? run.started_at,
          author: person(head?.author),
          committer: person(head?.committer),
        },
      },
    },
    secret,
  )
}

/** The suite that a check run belongs to. */
export async function describeSuite(run: CheckRun, repository: Repository): Promise<Record<string, unknown>> {
  const branches = await repository.branches()
  const head = await repository.findCommit(run.head_sha)
  return {
    id: run.suite,
    node_id: nodeId('CheckSuite', run.suite),
    head_branch: branches.find(({ sha }) => sha === run.head_sha)?.name ?? null,
    head_sha: run.head_sha,
    status: run.status,
    conclusion: run.conclusion,
    url: `${GITHUB_COM.api}/repos/${repository.fullName}/check-suites/${run.suite}`,
    before: head?.parents[0] ?? null,
    after: run.head_sha,
    pull_requests: [],
    app: run.app === undefined ? null : describeApp(run.app, GITHUB_COM),
    created_at: run.started_at,
    updated_at: run.completed_at ?? run.started_at,
  }
}
