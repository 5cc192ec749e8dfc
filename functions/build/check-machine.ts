import { BatchGetBuildsCommand, type CodeBuildClient } from '@aws-sdk/client-codebuild'
import type { BuildId } from '../shared/contract.ts'
import { HearthError } from '../shared/errors.ts'

/** A machine that was started will not come any more. */
export class MachineEnded extends HearthError {
  override name = 'MachineEnded'
}

/**
 * Asks CodeBuild whether a machine that has not said that it is there may still come: it waits in the queue, or is being set up.
 * @throws MachineEnded
 */
export async function checkMachine(codebuild: CodeBuildClient, build: BuildId): Promise<void> {
  const { builds = [] } = await codebuild.send(new BatchGetBuildsCommand({ ids: [build] }))
  const status = builds[0]?.buildStatus
  if (status === 'IN_PROGRESS') return
  throw new MachineEnded(
    `the build ${build} ended ${status ?? 'and is forgotten'} before its machine said that it was there: its log says why`,
  )
}
