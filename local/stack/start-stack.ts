import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import type { Machine } from '../codebuild/project.ts'
import type { DeniedCall } from '../gateway/authorization.ts'
import { createCredentialStore, credentialEnvironment, type Credentials } from '../gateway/credentials.ts'
import { startGateway, type Gateway } from '../gateway/gateway.ts'
import { ACCOUNT, REGION } from '../gateway/service.ts'
import { handleApiRequest } from '../http-api/http-api.ts'
import type { InvocationResult } from '../lambda/functions.ts'
import { createCustomResources, RESPONSE_PREFIX, type CustomResourceEndpoint } from './custom-resources.ts'
import { mayInvoke } from './fire-rule.ts'
import { provision, type ProvisionedStack } from './provision.ts'
import { createRoleSessions, type RoleSessions } from './role-sessions.ts'
import { createRules, type Rules } from './rules.ts'
import { createServices, type Services } from './services.ts'
import type { StackEvent } from './stack-events.ts'
import { readStackFile, removeStackFile, StackIsRunning, writeStackFile } from './stack-file.ts'
import { openStackRecord } from './stack-record.ts'
import { readTemplate, TemplateError } from './template.ts'
import type { World } from './world.ts'

export interface StartStackOptions {
  /** everything that the stack keeps; one stack at a time. A second start on it finds buckets, secrets, executions and builds again */
  folder: string
  /** the packaged template; the functions' zips are beside it */
  template: string
  /** where a CodeBuild project's builds run, by the project's logical id or name; this machine when absent */
  machines?: Record<string, Machine>
  /** of the gateway; any free one when absent */
  port?: number
  /** of the template, over its defaults */
  parameters?: Record<string, string>
  /** names of buckets whose objects everybody may get without a signature */
  anonymousRead?: string[]
  stackName?: string
  onEvent?: (event: StackEvent) => void
}

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
const API_PREFIX = '_api'

/**
 * Brings up the template that would be deployed, on this machine.
 * @throws TemplateError for what the template has and this stack does not know; StackIsRunning; what a service answers
 */
export async function startStack(options: StartStackOptions): Promise<Stack> {
  const folder = resolve(options.folder)
  const templateFile = resolve(options.template)
  const onEvent = options.onEvent ?? (() => {})
  const running = readStackFile(folder)
  if (running !== undefined)
    throw new StackIsRunning(`${folder} already has a stack, at ${running.endpoint} (process ${running.pid})`)
  const template = readTemplate(templateFile)
  mkdirSync(folder, { recursive: true })

  const credentials = createCredentialStore(join(folder, 'operator.json'))
  const roles: World['roles'] = new Map()
  const bucketPolicies: World['bucketPolicies'] = new Map()
  const gateway = await startGateway({
    port: options.port ?? 0,
    credentials,
    policies: {
      identityPolicies: (id) => [...roles.values()].find(({ logicalId }) => logicalId === id)?.policies ?? [],
      bucketPolicies: (bucket) => bucketPolicies.get(bucket) ?? [],
    },
    onDenied: (denied) => onEvent({ kind: 'denied', denied }),
    onError: (error, { method, url }) =>
      onEvent({
        kind: 'failure',
        where: `${method} ${url}`,
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
  })
  const sessions = createRoleSessions(roles, credentials, gateway.endpoint)
  const services = createServices({
    folder,
    endpoint: gateway.endpoint,
    sessions,
    anonymousRead: options.anonymousRead ?? [],
    onEvent,
  })
  for (const service of services.all) gateway.register(service)
  const operator = { endpoint: gateway.endpoint, region: REGION, credentials: credentials.operator }
  const stackName = options.stackName ?? 'hearth-local'
  const stackArn = `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/${stackName}/local`
  const customResources = createCustomResources({
    functions: services.functions,
    stackArn,
    record: openStackRecord(join(folder, 'resources.json')),
    endpoint: gateway.endpoint,
  })
  const world: World = {
    stackName,
    stackArn,
    roles,
    bucketPolicies,
    customResources,
    functions: services.functions,
    builds: services.builds,
    secrets: services.secrets,
    templateFolder: dirname(templateFile),
    codeFolder: join(folder, 'functions'),
    machines: options.machines ?? {},
    usedMachines: new Set(),
    s3: new S3Client({ ...operator, forcePathStyle: true }),
    states: new SFNClient(operator),
    permissions: [],
    rules: [],
    apis: new Map(),
  }
  const rules = createRules({ ...world, services, sessions, onEvent })
  const close = closeEverything(folder, gateway, services, rules, world)
  try {
    routeUnsigned(gateway, services, world, customResources)
    const provisioned = await provision(template, options.parameters ?? {}, world, (logicalId, type) =>
      onEvent({ kind: 'resource', logicalId, type }),
    )
    checkMachines(world)
    services.states.onStatusChange((change) => rules.onStatusChange(change))
    services.states.resume()
    const stack = createStack({
      gateway,
      services,
      rules,
      sessions,
      world,
      provisioned,
      operator: credentials.operator,
      close,
    })
    writeStackFile(folder, describeStack(stack, provisioned, world))
    return stack
  } catch (error) {
    await close()
    throw error
  }
}

/** Unsigned requests that are not for S3: the HTTP APIs, and custom resources' answers. */
function routeUnsigned(
  gateway: Gateway,
  { functions }: Services,
  { apis, permissions }: World,
  customResources: CustomResourceEndpoint,
): void {
  gateway.route(RESPONSE_PREFIX, (request, response, path) => customResources.handle(request, response, path))
  gateway.route(API_PREFIX, async (request, response, path) => {
    const [, id = '', ...rest] = path.split('/')
    const api = apis.get(id)
    if (api === undefined) response.writeHead(404).end()
    else
      await handleApiRequest(
        api,
        {
          functions,
          mayInvoke: (functionName, sourceArn) =>
            mayInvoke(permissions, functionName, 'apigateway.amazonaws.com', sourceArn),
        },
        request,
        response,
        `/${rest.join('/')}`,
      )
  })
}

/** A machine that no project has is a misspelt project. */
function checkMachines({ machines, usedMachines }: World): void {
  const unused = Object.keys(machines).find((key) => !usedMachines.has(key))
  if (unused !== undefined)
    throw new TemplateError(`machines: the template has no CodeBuild project "${unused}"`)
}

function closeEverything(
  folder: string,
  gateway: Gateway,
  services: Services,
  rules: Rules,
  world: World,
): () => Promise<void> {
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    await services.close()
    await rules.close()
    world.s3.destroy()
    world.states.destroy()
    await gateway.close()
    rmSync(join(folder, 'tmp'), { recursive: true, force: true })
    removeStackFile(folder)
  }
  return () => (closing ??= close())
}

interface StackParts {
  gateway: Gateway
  services: Services
  rules: Rules
  sessions: RoleSessions
  world: World
  provisioned: ProvisionedStack
  operator: Credentials
  close: () => Promise<void>
}

function createStack(parts: StackParts): Stack {
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

function describeStack(
  stack: Stack,
  { resources }: ProvisionedStack,
  world: World,
): Parameters<typeof writeStackFile>[1] {
  const resourceIds = Object.fromEntries(
    [...resources].map(([logicalId, { physicalId }]) => [logicalId, physicalId]),
  )
  return {
    version: 1,
    pid: process.pid,
    endpoint: stack.endpoint,
    region: REGION,
    operator: stack.operator,
    outputs: stack.outputs,
    resources: resourceIds,
    ...(world.apis.size === 0 ? {} : { api: stack.api }),
  }
}
