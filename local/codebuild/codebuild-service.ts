import {
  jsonService,
  onlyFields,
  optionalString,
  ServiceError,
  stringField,
  type JsonObject,
} from '../gateway/json-service.ts'
import { principalArnOf } from '../gateway/resource-policy.ts'
import type { Call, Service } from '../gateway/service.ts'
import { isObject } from '../json-object.ts'
import type { EnvironmentVariable } from './build-record.ts'
import type { BuildOverrides, Builds } from './builds.ts'
import { projectArn, type Project } from './project.ts'

const START_FIELDS = [
  'projectName',
  'environmentVariablesOverride',
  'timeoutInMinutesOverride',
  'queuedTimeoutInMinutesOverride',
  'sourceTypeOverride',
  'sourceLocationOverride',
  'buildspecOverride',
  'computeTypeOverride',
  'imageOverride',
  'environmentTypeOverride',
  'privilegedModeOverride',
  'idempotencyToken',
]
/** What BatchGetBuilds takes at most. Source: CodeBuild API reference. */
const MOST_IDS = 100

/** CodeBuild's API: StartBuild, StopBuild, BatchGetBuilds, ListBuildsForProject. */
export function createCodeBuildService(builds: Builds): Service {
  /** token -> the build that it started */
  const tokens = new Map<string, string>()

  return jsonService(
    'codebuild',
    'CodeBuild_20161006',
    {
      StartBuild(input, call) {
        onlyFields('StartBuild', input, START_FIELDS)
        const project = authorizedProject(
          builds,
          call,
          'codebuild:StartBuild',
          stringField(input, 'projectName'),
        )
        const token = optionalString(input, 'idempotencyToken')
        const earlier = token === undefined ? undefined : builds.find(tokens.get(token) ?? '')
        if (earlier !== undefined) return { build: earlier }
        const limit = project.concurrentBuildLimit ?? Infinity
        if (builds.active(project.name) >= limit)
          throw new ServiceError(
            'AccountLimitExceededException',
            `Cannot have more than ${limit} active builds for the project`,
          )
        const build = builds.start(project, initiatorOf(call), overridesOf(project, input))
        if (token !== undefined) tokens.set(token, build.id)
        return { build }
      },

      async StopBuild(input, call) {
        onlyFields('StopBuild', input, ['id'])
        const id = stringField(input, 'id')
        authorizedProject(builds, call, 'codebuild:StopBuild', projectOf(id))
        if (builds.find(id) === undefined)
          throw new ServiceError('ResourceNotFoundException', `Build ${id} does not exist`)
        await builds.stop(id)
        return { build: builds.find(id) }
      },

      BatchGetBuilds(input, call) {
        onlyFields('BatchGetBuilds', input, ['ids'])
        const ids = stringList(input, 'ids')
        for (const name of new Set(ids.map(projectOf)))
          call.authorize('codebuild:BatchGetBuilds', projectArn(name))
        const found = ids.filter((id) => builds.find(id) !== undefined)
        return {
          builds: found.map((id) => builds.find(id)),
          buildsNotFound: ids.filter((id) => !found.includes(id)),
        }
      },

      ListBuildsForProject(input, call) {
        onlyFields('ListBuildsForProject', input, ['projectName', 'sortOrder', 'nextToken'])
        const project = authorizedProject(
          builds,
          call,
          'codebuild:ListBuildsForProject',
          stringField(input, 'projectName'),
        )
        const ids = builds.idsOf(project.name)
        if (input['sortOrder'] === 'ASCENDING') ids.reverse()
        const from = Number(optionalString(input, 'nextToken') ?? 0)
        const next = from + MOST_IDS
        return { ids: ids.slice(from, next), ...(next < ids.length ? { nextToken: String(next) } : {}) }
      },
    },
    () => builds.close(),
  )
}

/** The project behind a name or an ARN, for a caller who may do this with it. */
function authorizedProject(builds: Builds, call: Call, action: string, nameOrArn: string): Project {
  const name = nameOrArn.startsWith('arn:') ? nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1) : nameOrArn
  call.authorize(action, projectArn(name))
  const project = builds.project(name)
  if (project === undefined)
    throw new ServiceError('ResourceNotFoundException', `Project cannot be found: ${projectArn(name)}`)
  return project
}

function projectOf(buildId: string): string {
  const id = buildId.startsWith('arn:') ? buildId.slice(buildId.lastIndexOf('/') + 1) : buildId
  return id.slice(0, Math.max(0, id.indexOf(':')))
}

/** Who started a build, as CodeBuild writes it: the role's name and session, or the user. */
function initiatorOf(call: Call): string {
  if (call.caller.kind === 'role') return call.caller.arn.slice(call.caller.arn.indexOf('/') + 1)
  return principalArnOf(call.caller) ?? ''
}

function overridesOf(project: Project, input: JsonObject): BuildOverrides {
  const { environment, source } = project
  return {
    source: {
      type: optionalString(input, 'sourceTypeOverride') ?? source.type,
      ...optional('location', optionalString(input, 'sourceLocationOverride') ?? source.location),
      ...optional('buildspec', optionalString(input, 'buildspecOverride') ?? source.buildspec),
    },
    environment: {
      type: optionalString(input, 'environmentTypeOverride') ?? environment.type,
      image: optionalString(input, 'imageOverride') ?? environment.image,
      computeType: optionalString(input, 'computeTypeOverride') ?? environment.computeType,
      privilegedMode:
        typeof input['privilegedModeOverride'] === 'boolean'
          ? input['privilegedModeOverride']
          : environment.privilegedMode,
      environmentVariables: mergeVariables(
        environment.environmentVariables,
        parseVariables(input['environmentVariablesOverride'] ?? []),
      ),
    },
    timeoutInMinutes: minutes(input, 'timeoutInMinutesOverride') ?? project.timeoutInMinutes,
    queuedTimeoutInMinutes:
      minutes(input, 'queuedTimeoutInMinutesOverride') ?? project.queuedTimeoutInMinutes,
  }
}

function optional<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  const result: { [P in K]?: string } = {}
  if (value !== undefined) result[key] = value
  return result
}

/** Source: CodeBuild API reference, StartBuild, `timeoutInMinutesOverride`: 5 to 2,160 minutes. */
function minutes(input: JsonObject, field: string): number | undefined {
  const value = input[field]
  if (value === undefined) return undefined
  if (typeof value !== 'number' || value < 5 || value > 2160)
    throw new ServiceError('InvalidInputException', `${field} has to be from 5 to 2160`)
  return value
}

function mergeVariables(own: EnvironmentVariable[], overrides: EnvironmentVariable[]): EnvironmentVariable[] {
  const kept = own.filter(({ name }) => !overrides.some((override) => override.name === name))
  return [...kept, ...overrides]
}

/**
 * Environment variables of a project or of StartBuild, whose keys differ in their first letter's case only.
 * @throws ServiceError for a type that is not known here (PARAMETER_STORE)
 */
export function parseVariables(value: unknown): EnvironmentVariable[] {
  if (!Array.isArray(value))
    throw new ServiceError('InvalidInputException', 'environment variables have to be a list')
  return value.map((item: unknown) => {
    const variable = isObject(item) ? item : {}
    const name = variable['name'] ?? variable['Name']
    const text = variable['value'] ?? variable['Value']
    const type = variable['type'] ?? variable['Type'] ?? 'PLAINTEXT'
    if (typeof name !== 'string' || typeof text !== 'string')
      throw new ServiceError(
        'InvalidInputException',
        'an environment variable has a name and a value, both strings',
      )
    if (type !== 'PLAINTEXT' && type !== 'SECRETS_MANAGER')
      throw new ServiceError(
        'InvalidInputException',
        `environment variable ${name}: the local CodeBuild does not know the type ${JSON.stringify(type)}`,
      )
    return { name, value: text, type }
  })
}

function stringList(input: JsonObject, field: string): string[] {
  const value = input[field]
  if (
    !Array.isArray(value) ||
    value.length === 0 ||
    value.length > MOST_IDS ||
    !value.every((item) => typeof item === 'string')
  )
    throw new ServiceError('InvalidInputException', `${field} has to be a list of 1 to ${MOST_IDS} strings`)
  return value
}
