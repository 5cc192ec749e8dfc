import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import type { Machine } from '../codebuild/project.ts'
import { createCredentialStore, type CredentialStore } from '../gateway/credentials.ts'
import { startGateway, type Gateway } from '../gateway/gateway.ts'
import { ACCOUNT, REGION } from '../gateway/service.ts'
import { handleApiRequest } from '../http-api/http-api.ts'
import { createCustomResources, RESPONSE_PREFIX, type CustomResourceEndpoint } from './custom-resources.ts'
import { mayInvoke } from './fire-rule.ts'
import { provision } from './provision.ts'
import { createRoleSessions, type RoleSessions } from './role-sessions.ts'
import { createRules, type Rules } from './rules.ts'
import { createServices, type Services } from './services.ts'
import type { StackEvent } from './stack-events.ts'
import { API_PREFIX, createStack, describeStack, type Stack } from './stack.ts'
import { readStackFile, removeStackFile, StackIsRunning, writeStackFile } from './stack-file.ts'
import { openStackRecord } from './stack-record.ts'
import { readTemplate, TemplateError } from './template.ts'
import type { World } from './world.ts'

export type { Stack } from './stack.ts'

export interface StartStackOptions {
  /** everything that the stack keeps; one stack at a time. A second start on it finds buckets, secrets, executions and builds again */
  folder: string
  /** the packaged template; the functions' zips are beside it */
  template: string
  /** where a CodeBuild project's builds run, by the project's logical id or name; this machine when absent */
  machines?: Record<string, Machine | Machine[]>
  /** of the gateway; any free one when absent */
  port?: number
  /** of the template, over its defaults */
  parameters?: Record<string, string>
  /** names of buckets whose objects everybody may get without a signature */
  anonymousRead?: string[]
  stackName?: string
  onEvent?: (event: StackEvent) => void
}

/**
 * Brings up the template that would be deployed, on this machine.
 * @throws TemplateError for what the template has and this stack does not know; StackIsRunning; what a service answers
 */
export async function startStack(options: StartStackOptions): Promise<Stack> {
  const folder = resolve(options.folder)
  const running = readStackFile(folder)
  if (running !== undefined)
    throw new StackIsRunning(`${folder} already has a stack, at ${running.endpoint} (process ${running.pid})`)
  const template = readTemplate(resolve(options.template))
  mkdirSync(folder, { recursive: true })
  const onEvent = options.onEvent ?? (() => {})
  const ground = await prepareGround(folder, options, onEvent)
  const { gateway, services, sessions, credentials } = ground
  const { world, customResources } = createWorld(folder, options, ground)
  const rules = createRules({ ...world, services, sessions, onEvent })
  const close = closeEverything(folder, ground, rules, world)
  try {
    routeUnsigned(gateway, services, world, customResources)
    const provisioned = await provision(template, options.parameters ?? {}, world, (logicalId, type) =>
      onEvent({ kind: 'resource', logicalId, type }),
    )
    checkMachines(world)
    services.states.onStatusChange((change) => rules.onStatusChange(change))
    services.bus.onEvent((event) => rules.onBusEvent(event))
    // Only now can executions of an earlier start reach what they use.
    services.states.resume()
    const operator = credentials.operator
    const parts = { gateway, services, rules, sessions, world, provisioned, operator, close }
    const stack = createStack(parts)
    writeStackFile(folder, describeStack(stack, parts))
    return stack
  } catch (error) {
    await close()
    throw error
  }
}

/** What has to stand before the first resource comes up. */
interface Ground {
  gateway: Gateway
  services: Services
  sessions: RoleSessions
  credentials: CredentialStore
  roles: World['roles']
  bucketPolicies: World['bucketPolicies']
  secretPolicies: World['secretPolicies']
}

/** Starts the gateway, and behind it every service, still without resources. */
async function prepareGround(
  folder: string,
  { port = 0, anonymousRead = [] }: StartStackOptions,
  onEvent: (event: StackEvent) => void,
): Promise<Ground> {
  const credentials = createCredentialStore(join(folder, 'operator.json'))
  const roles: World['roles'] = new Map()
  const bucketPolicies: World['bucketPolicies'] = new Map()
  const secretPolicies: World['secretPolicies'] = new Map()
  const gateway = await startGateway({
    port,
    credentials,
    policies: {
      identityPolicies: (id) => [...roles.values()].find(({ logicalId }) => logicalId === id)?.policies ?? [],
      bucketPolicies: (bucket) => bucketPolicies.get(bucket) ?? [],
      secretPolicies: (arn) => [secretPolicies.get(arn) ?? []].flat(),
    },
    onDenied: (denied) => onEvent({ kind: 'denied', denied }),
    onError: (error, { method, url }) => {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
      onEvent({ kind: 'failure', where: `${method} ${url.split('?')[0]}`, message })
    },
  })
  try {
    const { endpoint } = gateway
    const sessions = createRoleSessions(roles, credentials, endpoint)
    const services = createServices({ folder, endpoint, sessions, anonymousRead, onEvent })
    for (const service of services.all) gateway.register(service)
    return { gateway, services, sessions, credentials, roles, bucketPolicies, secretPolicies }
  } catch (error) {
    await gateway.close()
    throw error
  }
}

function createWorld(
  folder: string,
  { template, machines = {}, stackName = 'hearth-local' }: StartStackOptions,
  { gateway, services, credentials, roles, bucketPolicies, secretPolicies }: Ground,
): { world: World; customResources: CustomResourceEndpoint } {
  const { functions, builds, secrets, topics } = services
  const operator = { endpoint: gateway.endpoint, region: REGION, credentials: credentials.operator }
  const stackArn = `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/${stackName}/local`
  const record = openStackRecord(join(folder, 'resources.json'))
  const customResources = createCustomResources({ functions, stackArn, record, endpoint: gateway.endpoint })
  const world: World = {
    stackName,
    stackArn,
    functions,
    builds,
    secrets,
    topics,
    roles,
    bucketPolicies,
    secretPolicies,
    machines,
    customResources,
    templateFolder: dirname(resolve(template)),
    codeFolder: join(folder, 'functions'),
    usedMachines: new Set(),
    s3: new S3Client({ ...operator, forcePathStyle: true }),
    states: new SFNClient(operator),
    permissions: [],
    rules: [],
    apis: new Map(),
  }
  return { world, customResources }
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

/** Work ends first, then the server that it speaks to, then the files behind it. */
function closeEverything(
  folder: string,
  { gateway, services }: Ground,
  rules: Rules,
  world: World,
): () => Promise<void> {
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    await services.endWork()
    await rules.close()
    world.s3.destroy()
    world.states.destroy()
    await gateway.close()
    await services.close()
    rmSync(join(folder, 'tmp'), { recursive: true, force: true })
    removeStackFile(folder)
  }
  return () => (closing ??= close())
}
