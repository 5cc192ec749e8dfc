import { type Answer, ok } from '../answers.ts'
import { describeWindow } from '../rate-limits.ts'
import type { RestCall } from '../rest-call.ts'

/** Source: GitHub REST API, "Get rate limit status for the authenticated user", which is not counted itself. */
export async function getRateLimit({ forge, caller }: RestCall): Promise<Answer> {
  const core = describeWindow(forge.limits.window(caller))
  const search = { ...core, limit: 30, used: 0, remaining: 30 }
  return ok({ resources: { core, search }, rate: core })
}
