import { setTimeout as delay } from 'node:timers/promises'
import {
  BatchGetBuildsCommand,
  StartBuildCommand,
  StopBuildCommand,
  type Build,
  type CodeBuildClient,
  type StartBuildCommandInput,
  type StartBuildCommandOutput,
} from '@aws-sdk/client-codebuild'
import { StateError } from './asl/errors.ts'
import type { JsonObject } from './asl/json.ts'
import { argumentsOf } from './integration-arguments.ts'
import { sdkMembers, stateErrorOf } from './integration-error.ts'
import type { Integration, TaskContext } from './integration.ts'
import { camelCase, pascalCase } from './pascal-case.ts'

const RESOURCE = 'arn:aws:states:::codebuild:startBuild'

/** `codebuild:startBuild`: starts a build, and does not wait. The result is StartBuild's answer: `{ Build: { Id, Arn, BuildStatus, … } }`. */
export function startBuild(client: CodeBuildClient): Integration {
  return async (args) => {
    const started = await start(client, argumentsOf(RESOURCE, args))
    if (started.build === undefined)
      throw new StateError('States.Runtime', 'CodeBuild started a build and does not say which')
    return { Build: pascalCase(started.build), ...sdkMembers(started.$metadata) }
  }
}

/**
 * `codebuild:startBuild.sync`: starts a build and waits until it has ended. Names are PascalCase on both sides. The result is `{ Build: { Id, Arn,
 * BuildStatus, … } }`; a build that ends otherwise than SUCCEEDED raises States.TaskFailed with that as the cause. When the task is given up, the
 * build is stopped.
 */
export function startBuildSync(client: CodeBuildClient, pollMilliseconds: number): Integration {
  return async (args, context) => {
    const started = await start(client, argumentsOf(`${RESOURCE}.sync`, args))
    const id = started.build?.id
    if (started.build === undefined || id === undefined)
      throw new StateError('States.Runtime', 'CodeBuild started a build without an id')
    let build: Build
    try {
      context.submitted({ Build: pascalCase(started.build), ...sdkMembers(started.$metadata) })
      build = await ended(client, id, context, pollMilliseconds)
    } catch (error) {
      if (context.signal.aborted) await stop(client, id)
      throw error
    }
    const result: JsonObject = { Build: pascalCase(build) }
    if (build.buildStatus !== 'SUCCEEDED') throw new StateError('States.TaskFailed', JSON.stringify(result))
    return result
  }
}

async function start(client: CodeBuildClient, args: JsonObject): Promise<StartBuildCommandOutput> {
  // the service checks the values, as it does for Step Functions
  const input = camelCase(args) as unknown as StartBuildCommandInput
  try {
    return await client.send(new StartBuildCommand(input))
  } catch (error) {
    throw stateErrorOf('CodeBuild', error)
  }
}

async function ended(
  client: CodeBuildClient,
  id: string,
  { signal }: TaskContext,
  pollMilliseconds: number,
): Promise<Build> {
  try {
    for (;;) {
      await delay(pollMilliseconds, undefined, { signal })
      const { builds } = await client.send(new BatchGetBuildsCommand({ ids: [id] }), { abortSignal: signal })
      const build = builds?.[0]
      if (build === undefined)
        throw new StateError('States.Runtime', `CodeBuild knows no build ${id} any more`)
      if (build.buildStatus !== 'IN_PROGRESS') return build
    }
  } catch (error) {
    throw error instanceof StateError ? error : stateErrorOf('CodeBuild', error)
  }
}

/** Nobody waits for this build any more: when it cannot be stopped, a warning is all that is left to say so. */
async function stop(client: CodeBuildClient, id: string): Promise<void> {
  try {
    await client.send(new StopBuildCommand({ id }))
  } catch (error) {
    process.emitWarning(`The build ${id} could not be stopped: ${String(error)}`)
  }
}
