import type { DeniedCall } from '../gateway/authorization.ts'
import { credentialEnvironment, type Credentials } from '../gateway/credentials.ts'
import type { Notification } from '../sns/topics.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { REGION } from '../gateway/service.ts'
import type { InvocationResult } from '../lambda/functions.ts'
import type { ProvisionedStack } from './provision.ts'
import type { RoleSessions } from './role-sessions.ts'
import type { Rules } from './rules.ts'
import type { Services } from './services.ts'
import type { StackFile } from './stack-file.ts'
import { TemplateError } from './template.ts'
import type { World } from './world.ts'

export interface Stack {
  /** AWS_ENDPOINT_URL: every emulated service */
  readonly endpoint: string
  /** base URL of the template's HTTP API; its routes follow. @throws TemplateError when the template has none */
  readonly api: string
  readonly operator: Credentials
  readonly outputs: Record<string, string>
  /** calls that were answered with AccessDenied since the start */
  readonly denied: readonly DeniedCall[]
  /** how often each action was asked for since the start */
  readonly calls: ReadonlyMap<string, number>
  /** what was published to topics since the start, oldest first */
  readonly notifications: readonly Notification[]
  /** what `Ref` gives. @throws TemplateError */
  physicalId(logicalId: string): string
  /** what `Fn::GetAtt` gives. @throws TemplateError */
  attribute(logicalId: string, name: string): string
  /** temporary credentials of a role of the template */
  credentialsFor(roleLogicalId: string, session: string): Credentials
  /** environment variables with which any AWS SDK acts as the operator, or as a role */
  environmentFor(roleLogicalId?: string, session?: string): Record<string, string>
  /** invokes a function with an event, as the operator */
  invoke(functionLogicalId: string, event: unknown): Promise<InvocationResult>
  /** does now what a schedule does at its time */
  fireSchedule(logicalId: string): Promise<void>
  /** kills a build's processes as a lost machine would */
  killBuild(buildId: string): Promise<void>
  /** ends executions, builds, functions and servers; resolves when nothing is left but the folder */
  close(): Promise<void>
}

/** Where the HTTP APIs are on the gateway: `/_api/<id>/…`. */
export const API_PREFIX = '_api'

/** What a stack is made of. */
export interface StackParts {
  gateway: Gateway
  services: Services
  rules: Rules
  sessions: RoleSessions
  world: World
  provisioned: ProvisionedStack
  operator: Credentials
  close: () => Promise<void>
}

/** The stack that its starter holds in hand. */
export function createStack(parts: StackParts): Stack {
  const { gateway, services, rules, sessions, world, provisioned, operator, close } = parts
  const resource = (logicalId: string): ReturnType<typeof provisioned.resources.get> & {} => {
    const found = provisioned.resources.get(logicalId)
    if (found === undefined) throw new TemplateError(`the stack has no resource "${logicalId}"`)
    return found
  }
  return {
    operator,
    close,
    endpoint: gateway.endpoint,
    outputs: provisioned.outputs,
    denied: gateway.denied,
    calls: gateway.calls,
    notifications: services.topics.notifications,
    get api() {
      const url = apiUrl(gateway, world)
      if (url === undefined) throw new TemplateError('the template has no HTTP API')
      return url
    },
    physicalId: (logicalId) => resource(logicalId).physicalId,
    attribute(logicalId, name) {
      const value = resource(logicalId).attributes?.[name]
      if (value === undefined) throw new TemplateError(`${logicalId} has no attribute "${name}"`)
      return value
    },
    credentialsFor: (role, session) => sessions.credentialsFor(role, session),
    environmentFor: (role, session) =>
      credentialEnvironment(
        role === undefined ? operator : sessions.credentialsFor(role, session ?? role),
        gateway.endpoint,
        REGION,
      ),
    invoke: (logicalId, event) =>
      services.functions.invoke(resource(logicalId).physicalId, JSON.stringify(event)),
    fireSchedule: (logicalId) => rules.fireSchedule(logicalId),
    killBuild: (buildId) => services.builds.kill(buildId),
  }
}

function apiUrl(gateway: Gateway, { apis }: World): string | undefined {
  const [api] = apis.values()
  return api === undefined ? undefined : `${gateway.endpoint}/${API_PREFIX}/${api.id}`
}

/** What `hearth --local` and other processes need to know of a running stack. */
export function describeStack(stack: Stack, { world, provisioned }: StackParts): StackFile {
  const resources = [...provisioned.resources].map(([logicalId, { physicalId }]) => [logicalId, physicalId])
  return {
    version: 1,
    pid: process.pid,
    endpoint: stack.endpoint,
    region: REGION,
    operator: stack.operator,
    outputs: stack.outputs,
    resources: Object.fromEntries(resources),
    ...(world.apis.size === 0 ? {} : { api: stack.api }),
  }
}
