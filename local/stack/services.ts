import { join } from 'node:path'
import { CodeBuildClient } from '@aws-sdk/client-codebuild'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { SFNClient } from '@aws-sdk/client-sfn'
import { createBuilds, type Builds } from '../codebuild/builds.ts'
import { createCodeBuildService } from '../codebuild/codebuild-service.ts'
import { createEventBus, type EventBus } from '../events/event-bus.ts'
import { createEventsService } from '../events/events-service.ts'
import { createTopics, type Topics } from '../sns/topics.ts'
import { credentialEnvironment } from '../gateway/credentials.ts'
import { REGION, type Service } from '../gateway/service.ts'
import { createFunctions, type Functions, type InvocationResult } from '../lambda/functions.ts'
import { createLambdaService } from '../lambda/lambda-service.ts'
import { createLogStore } from '../logs/log-store.ts'
import { createLogsService } from '../logs/logs-service.ts'
import { createS3 } from '../s3/s3-service.ts'
import { createSecretStore, type SecretStore } from '../secrets-manager/secret-store.ts'
import { createSecretsService } from '../secrets-manager/secrets-service.ts'
import type { Integrations } from '../states/integration.ts'
import { createIntegrations } from '../states/integrations.ts'
import type { StatusChanges } from '../states/integration-states.ts'
import { createStates, type States } from '../states/service.ts'
import { createStsService } from '../sts/sts-service.ts'
import type { RoleSessions } from './role-sessions.ts'
import type { StackEvent } from './stack-events.ts'

export interface Services {
  /** every service that the gateway has */
  all: Service[]
  functions: Functions
  builds: Builds
  secrets: SecretStore
  states: States
  bus: EventBus
  topics: Topics
  onAsyncFailure: (functionName: string, result: InvocationResult) => void
  /** Ends executions, then builds and functions; resolves when no process is left. */
  endWork(): Promise<void>
  /** Closes the files, when no request can come any more. */
  close(): Promise<void>
}

export interface ServicesOptions {
  folder: string
  endpoint: string
  sessions: RoleSessions
  /** buckets that everybody may read without a signature */
  anonymousRead: string[]
  onEvent: (event: StackEvent) => void
}

/** The emulated services, with their state below one folder. */
export function createServices({
  folder,
  endpoint,
  sessions,
  anonymousRead,
  onEvent,
}: ServicesOptions): Services {
  const logs = createLogStore(join(folder, 'logs'))
  const secrets = createSecretStore(join(folder, 'secrets.json'))
  const functions = createFunctions({
    temporaryFolder: join(folder, 'tmp'),
    logs,
    environmentFor: ({ role, name }) =>
      credentialEnvironment(sessions.credentialsFor(role, name), endpoint, REGION),
    onLog: onEvent,
  })
  const builds = createBuilds({
    folder: join(folder, 'codebuild'),
    endpoint,
    logs,
    credentialsFor: (role, session) => sessions.credentialsFor(role, session),
    onEvent,
  })
  const integrations = createRoleIntegrations(sessions, (listener) => states.onStatusChange(listener))
  const states: States = createStates({ folder: join(folder, 'states'), integrations: integrations.forRole })
  states.onStatusChange((change) => onEvent({ kind: 'execution', change }))
  states.onHistoryEvent((executionArn, event) => onEvent({ kind: 'history', executionArn, event }))
  const onAsyncFailure: Services['onAsyncFailure'] = (functionName, { payload }) =>
    onEvent({ kind: 'failure', where: `asynchronous invocation of ${functionName}`, message: payload })
  const lambda = createLambdaService(functions, onAsyncFailure)
  const codebuild = createCodeBuildService(builds)
  const s3 = createS3({ folder: join(folder, 's3'), anonymousRead })
  const bus = createEventBus()

  return {
    functions,
    builds,
    secrets,
    states,
    bus,
    topics: createTopics(),
    onAsyncFailure,
    all: [
      s3,
      states,
      lambda,
      codebuild,
      createSecretsService(secrets),
      createStsService(),
      createEventsService(bus),
      createLogsService(logs),
    ],
    async endWork() {
      await states.close()
      await Promise.all([codebuild.close(), lambda.close()])
      integrations.close()
    },
    async close() {
      await s3.close()
      logs.close()
    },
  }
}

/** Integrations whose clients sign as the state machine's role: what that role may not do fails as it would on AWS. */
function createRoleIntegrations(
  sessions: RoleSessions,
  changes: StatusChanges,
): {
  forRole: (roleArn: string) => Integrations
  close: () => void
} {
  const known = new Map<string, { integrations: Integrations; close: () => void }>()
  return {
    forRole(roleArn) {
      const made = known.get(roleArn)
      if (made !== undefined) return made.integrations
      const config = sessions.clientConfig(roleArn, 'StepFunctions')
      const clients = {
        lambda: new LambdaClient(config),
        codebuild: new CodeBuildClient(config),
        states: new SFNClient(config),
      }
      const integrations = createIntegrations({ ...clients, changes })
      const close = (): void => Object.values(clients).forEach((client) => client.destroy())
      known.set(roleArn, { integrations, close })
      return integrations
    },
    close() {
      for (const { close } of known.values()) close()
    },
  }
}
