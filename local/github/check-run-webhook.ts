import type { CheckRun } from './check-run-log.ts'
import { describeSuite } from './check-suite-webhook.ts'
import { type About, deliver, type Delivery } from './delivery.ts'
import { GITHUB_COM } from './describe-owner.ts'
import { describeCheckRun } from './endpoints/check-runs.ts'

/** The delivery that GitHub makes when somebody asks to run one check again. Source: GitHub, "Webhook events and payloads", check_run. */
export async function checkRunWebhook(
  { run, ...about }: About & { run: CheckRun },
  secret: string,
): Promise<Delivery> {
  const described = describeCheckRun(run, GITHUB_COM)
  const suite = await describeSuite(run, about.repository)
  return deliver(
    'check_run',
    about,
    { action: 'rerequested', check_run: { ...described, check_suite: suite } },
    secret,
  )
}
