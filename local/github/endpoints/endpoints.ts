import type { Answer } from '../answers.ts'
import type { Need } from '../permissions.ts'
import type { RepositoryCall, RestCall } from '../rest-call.ts'
import {
  type AppCall,
  convertManifest,
  createInstallationToken,
  getApp,
  getHookConfig,
  getRepositoryInstallation,
  listInstallationRepositories,
  updateHookConfig,
} from './apps.ts'
import { createCheckRun, getCheckRun, listAnnotations, listCheckRuns, updateCheckRun } from './check-runs.ts'
import { getCommit, getRepository } from './commits.ts'
import { redirectToTarball } from './downloads.ts'
import { getRateLimit } from './rate-limit.ts'
import { getRef, getTag, listBranches, listMatchingRefs, listTags } from './refs.ts'
import { createStatus, listStatuses } from './statuses.ts'

/** About one repository, with what a token must be allowed. Source: GitHub, "Permissions required for GitHub Apps". */
export const OF_REPOSITORIES: Record<
  string,
  { needs: Need; answer: (call: RepositoryCall) => Promise<Answer> }
> = {
  'repos/get': { needs: ['metadata', 'read'], answer: getRepository },
  'repos/get-commit': { needs: ['contents', 'read'], answer: getCommit },
  'repos/list-branches': { needs: ['contents', 'read'], answer: listBranches },
  'repos/list-tags': { needs: ['metadata', 'read'], answer: listTags },
  'repos/download-tarball-archive': { needs: ['contents', 'read'], answer: redirectToTarball },
  'git/get-ref': { needs: ['contents', 'read'], answer: getRef },
  'git/get-tag': { needs: ['contents', 'read'], answer: getTag },
  'git/list-matching-refs': { needs: ['contents', 'read'], answer: listMatchingRefs },
  'repos/list-commit-statuses-for-ref': { needs: ['statuses', 'read'], answer: listStatuses },
  'repos/create-commit-status': { needs: ['statuses', 'write'], answer: createStatus },
  'checks/create': { needs: ['checks', 'write'], answer: createCheckRun },
  'checks/update': { needs: ['checks', 'write'], answer: updateCheckRun },
  'checks/get': { needs: ['checks', 'read'], answer: getCheckRun },
  'checks/list-for-ref': { needs: ['checks', 'read'], answer: listCheckRuns },
  'checks/list-annotations': { needs: ['checks', 'read'], answer: listAnnotations },
}

/** Of an App about itself: what it signs with its key. */
export const OF_APPS: Record<string, (call: AppCall) => Promise<Answer>> = {
  'apps/get-authenticated': getApp,
  'apps/get-repo-installation': getRepositoryInstallation,
  'apps/create-installation-access-token': createInstallationToken,
  'apps/get-webhook-config-for-app': getHookConfig,
  'apps/update-webhook-config-for-app': updateHookConfig,
}

export const OF_ANYBODY: Record<string, (call: RestCall) => Promise<Answer>> = {
  'apps/create-from-manifest': convertManifest,
  'apps/list-repos-accessible-to-installation': listInstallationRepositories,
  'rate-limit/get': getRateLimit,
}
