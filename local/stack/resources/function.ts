import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import * as z from 'zod/mini'
import { functionArn } from '../../lambda/function-definition.ts'
import { unzip } from '../../zip/read-zip.ts'
import { generatedName, noEffect, optionalText, resourceType, wholeNumber } from '../resource-type.ts'
import { TemplateError } from '../template.ts'
import type { World } from '../world.ts'

const Code = z.union([
  z.strictObject({ S3Bucket: z.string(), S3Key: z.string() }),
  z.strictObject({ ZipFile: z.string() }),
])

/** 4 KB. Source: Lambda developer guide, "Lambda quotas". */
const ENVIRONMENT_LIMIT = 4096
/** Reserved names that a function's own environment cannot have. Source: Lambda developer guide, "Defined runtime environment variables". */
const RESERVED =
  /^(?:_HANDLER|_X_AMZN_TRACE_ID|AWS_(?:DEFAULT_REGION|REGION|EXECUTION_ENV|LAMBDA_\w+|ACCESS_KEY(?:_ID)?|SECRET_ACCESS_KEY|SESSION_TOKEN)|LAMBDA_(?:TASK_ROOT|RUNTIME_DIR))$/

/** AWS::Lambda::Function: its zip is beside the template, as `serverless package` leaves it. */
export const lambdaFunction = resourceType(
  z.strictObject({
    FunctionName: optionalText,
    Code,
    Handler: z.string(),
    Role: z.string(),
    Runtime: z.string().check(z.regex(/^nodejs\d+\.x$/, 'the local stack runs Node functions only')),
    Timeout: z._default(wholeNumber, 3),
    MemorySize: z._default(wholeNumber, 128),
    ReservedConcurrentExecutions: z.optional(wholeNumber),
    Environment: z.optional(
      z.strictObject({
        Variables: z.optional(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
      }),
    ),
    // every function runs on this machine's own processor
    Architectures: noEffect,
    Description: noEffect,
    LoggingConfig: noEffect,
    TracingConfig: noEffect,
    EphemeralStorage: noEffect,
    Tags: noEffect,
  }),
  (logicalId, properties, world) => {
    const name = properties.FunctionName ?? generatedName(world, logicalId)
    const role = world.roles.get(properties.Role)
    if (role === undefined)
      throw new TemplateError(`Resources.${logicalId}: its role ${properties.Role} is not in the template`)
    world.functions.define({
      name,
      role: role.logicalId,
      codeFolder: placeCode(logicalId, name, properties.Code, world),
      handler: properties.Handler,
      timeoutSeconds: properties.Timeout,
      memoryMegabytes: properties.MemorySize,
      environment: checkEnvironment(logicalId, properties.Environment?.Variables ?? {}),
      ...(properties.ReservedConcurrentExecutions === undefined
        ? {}
        : { reservedConcurrency: properties.ReservedConcurrentExecutions }),
    })
    return { physicalId: name, attributes: { Arn: functionArn(name) } }
  },
)

/** AWS::Lambda::Permission: lets EventBridge and API Gateway invoke a function, which they otherwise may not. */
export const permission = resourceType(
  z.strictObject({
    FunctionName: z.string(),
    Action: z.literal('lambda:InvokeFunction'),
    Principal: z.string(),
    SourceArn: optionalText,
    SourceAccount: noEffect,
  }),
  (logicalId, properties, world) => {
    world.permissions.push({
      functionName: properties.FunctionName.split(':').at(-1) ?? '',
      principal: properties.Principal,
      ...(properties.SourceArn === undefined ? {} : { sourceArn: properties.SourceArn }),
    })
    return { physicalId: generatedName(world, logicalId) }
  },
)

function placeCode(logicalId: string, name: string, code: z.infer<typeof Code>, world: World): string {
  if ('ZipFile' in code) {
    const folder = join(world.codeFolder, name, hash(Buffer.from(code.ZipFile)))
    mkdirSync(folder, { recursive: true })
    // Lambda's own name for code that a template holds itself.
    writeFileSync(join(folder, 'index.js'), code.ZipFile)
    return folder
  }
  const file = join(world.templateFolder, basename(code.S3Key))
  if (!existsSync(file))
    throw new TemplateError(
      `Resources.${logicalId}: its code ${basename(code.S3Key)} is not beside the template; run "npm run package"`,
    )
  const archive = readFileSync(file)
  const folder = join(world.codeFolder, name, hash(archive))
  if (!existsSync(folder)) unzip(archive, folder)
  return folder
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}

function checkEnvironment(
  logicalId: string,
  variables: Record<string, string | number | boolean>,
): Record<string, string> {
  const environment: Record<string, string> = {}
  for (const [name, value] of Object.entries(variables)) {
    if (RESERVED.test(name))
      throw new TemplateError(`Resources.${logicalId}: Lambda reserves the environment variable ${name}`)
    environment[name] = String(value)
  }
  const bytes = Buffer.byteLength(JSON.stringify(environment))
  if (bytes > ENVIRONMENT_LIMIT)
    throw new TemplateError(
      `Resources.${logicalId}: its environment has ${bytes} bytes; Lambda takes ${ENVIRONMENT_LIMIT}`,
    )
  return environment
}
