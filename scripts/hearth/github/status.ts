import { currentConfig } from '../../../functions/shared/config.ts'
import type { AccessAnswer, RepositoryAccessAnswer } from '../../../functions/shared/contract.ts'
import type { Deployment } from '../deployment.ts'
import { askAccess } from './ask-access.ts'

/** How a repository of hearth.yml stands. */
export interface RepositoryStatus extends RepositoryAccessAnswer {
  name: string
  /** whether it is only read for others */
  isInput: boolean
}

export interface GitHubStatus {
  credentials: AccessAnswer['credentials']
  webhook: string
  repositories: RepositoryStatus[]
}

const CREDENTIALS: Record<AccessAnswer['credentials'], string> = {
  app: 'a GitHub App',
  token: 'a token: statuses, and no check runs',
  none: 'none: only public repositories are read, and GitHub is told nothing. `hearth github setup` gives it some',
}

/** `hearth github status`. @returns the exit code: 1 when something is missing */
export async function showStatus(deployment: Deployment, json: boolean): Promise<number> {
  const status = await gitHubStatus(deployment)
  console.log(json ? JSON.stringify(status) : formatStatus(status))
  return status.repositories.some(isLacking) ? 1 : 0
}

export async function gitHubStatus(deployment: Deployment): Promise<GitHubStatus> {
  const { config } = await currentConfig(deployment.state)
  const { credentials, webhook } = await askAccess(deployment)
  const names = new Set(config.repositories.map(({ name }) => name))
  const inputs = new Set(config.repositories.flatMap(({ privateInputs }) => privateInputs))
  const repositories: RepositoryStatus[] = []
  // one after the other: GitHub asks its callers for that
  for (const name of new Set([...names, ...inputs])) {
    const { repository } = await askAccess(deployment, name)
    if (repository !== undefined) repositories.push({ name, isInput: !names.has(name), ...repository })
  }
  return { credentials, webhook, repositories }
}

/** What an input needs is to be read; without credentials nobody expects reports. */
function isLacking({ reads, faults, isInput }: RepositoryStatus): boolean {
  return isInput ? !reads : faults.length > 0
}

export function formatStatus({ credentials, webhook, repositories }: GitHubStatus): string {
  const mark = (is: boolean): string => (is ? 'yes' : 'no')
  const width = Math.max(...repositories.map(({ name }) => name.length))
  return [
    `credentials  ${CREDENTIALS[credentials]}`,
    `webhook      ${webhook}`,
    ...repositories.flatMap((one) => [
      `${one.name.padEnd(width)}  read: ${mark(one.reads)}  report: ${one.isInput ? 'not needed' : mark(one.reports)}`,
      ...(isLacking(one) ? one.faults.map((fault) => `  ${fault}`) : []),
    ]),
  ].join('\n')
}
