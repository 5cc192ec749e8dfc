import { BatchGetBuildsCommand, type CodeBuildClient } from '@aws-sdk/client-codebuild'
import * as z from 'zod/mini'
import type { BuildId, RunId } from '../shared/contract.ts'
import { HearthError } from '../shared/errors.ts'
import { stateKeys } from '../shared/keys.ts'
import { type Bucket, readJson } from '../shared/objects.ts'

/** A build that evaluates nothing at this moment needs no token. */
export class NoEvaluation extends HearthError {
  override name = 'NoEvaluation'
}

const Job = z.object({
  kind: z.literal('evaluate'),
  run: z.string(),
  target: z.object({ repository: z.string() }),
})

/**
 * What a build of the evaluator evaluates: CodeBuild says which job the state machine gave it, and Resolve wrote that.
 * @throws NoEvaluation when it has ended, or has no such job
 */
export async function jobOfBuild(
  codebuild: CodeBuildClient,
  state: Bucket,
  project: string,
  build: BuildId,
): Promise<{ run: RunId; repository: string }> {
  const { builds = [] } = await codebuild.send(new BatchGetBuildsCommand({ ids: [build] }))
  const found = builds.find(({ id, projectName }) => id === build && projectName === project)
  if (found?.buildStatus !== 'IN_PROGRESS')
    throw new NoEvaluation(
      `the build ${build} is not in progress (${found?.buildStatus ?? 'CodeBuild has none'}): it needs no token`,
    )
  const variables = found.environment?.environmentVariables ?? []
  const key = variables.find(({ name }) => name === 'HEARTH_JOB')?.value ?? ''
  if (!/^runs\/[^/]+\/job\.json$/.test(key))
    throw new NoEvaluation(`the build ${build} was started without the job of a run (HEARTH_JOB)`)
  const job = z.safeParse(Job, await readJson<unknown>(state, key))
  if (!job.success || stateKeys.job(job.data.run) !== key)
    throw new NoEvaluation(`${key} is no job of an evaluator`)
  return { run: job.data.run, repository: job.data.target.repository }
}
