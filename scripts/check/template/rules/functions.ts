import type { Fault } from '../../finding.ts'
import { isObject, objectOf, objectsOf, stringAt } from '../../json.ts'
import { fault, type Rule } from '../rule.ts'
import { referredResource, resourcesOf, type Resource, type Template } from '../template.ts'

const runtime = 'nodejs24.x'
const architecture = 'arm64'

/** Every function runs on the same platform, keeps its log for a stated time, and has a role that is its own. */
export const functions: Rule = {
  name: 'functions',
  *check(template) {
    const users = new Map<string, string>()
    for (const lambda of resourcesOf(template, 'AWS::Lambda::Function')) {
      yield* checkPlatform(lambda)
      yield* checkLog(template, lambda)
      yield* checkRole(template, lambda, users)
    }
    const shared = template.resources.get('IamRoleLambdaExecution')
    if (shared !== undefined) {
      const problem =
        'osls wrote its default role, which a function without a role of its own shares with others'
      yield fault(shared, '', problem, 'give every function a role in serverless.yml')
    }
    for (const group of resourcesOf(template, 'AWS::Logs::LogGroup')) {
      if ('RetentionInDays' in group.properties) continue
      yield fault(group, 'RetentionInDays', 'a log that is kept for ever', 'set RetentionInDays')
    }
  },
}

function* checkPlatform(lambda: Resource): Generator<Fault> {
  const { Runtime: given, Architectures: architectures } = lambda.properties
  if (given !== runtime)
    yield fault(lambda, 'Runtime', `${JSON.stringify(given)} is not ${runtime}`, `set runtime: ${runtime}`)
  if (JSON.stringify(architectures) !== JSON.stringify([architecture])) {
    yield fault(lambda, 'Architectures', `not ${architecture}`, `set architecture: ${architecture}`)
  }
}

function* checkLog(template: Template, lambda: Resource): Generator<Fault> {
  const name = `/aws/lambda/${stringAt(lambda.properties, 'FunctionName') ?? ''}`
  const named = referredResource(template, objectOf(lambda.properties['LoggingConfig'])['LogGroup'])
  const groups = resourcesOf(template, 'AWS::Logs::LogGroup')
  if (named !== undefined || groups.some(({ properties }) => properties['LogGroupName'] === name)) return
  const problem = 'its log group is not in the template: Lambda makes one that is kept for ever'
  yield fault(lambda, '', problem, 'set provider.logRetentionInDays')
}

function* checkRole(template: Template, lambda: Resource, users: Map<string, string>): Generator<Fault> {
  const role = referredResource(template, lambda.properties['Role'])
  if (role?.type !== 'AWS::IAM::Role') {
    yield fault(
      lambda,
      'Role',
      'the role is not one of this template',
      'add one to resources/ and name it in serverless.yml',
    )
    return
  }
  const other = users.get(role.id)
  if (other !== undefined) {
    yield fault(
      lambda,
      'Role',
      `${role.id} is also the role of ${other}`,
      'give each its own, with what it needs alone',
    )
  }
  users.set(role.id, lambda.id)
  const { Statement: statements } = objectOf(role.properties['AssumeRolePolicyDocument'])
  const trusted = objectsOf([statements].flat()).flatMap(({ object }) => {
    const { Principal: principal } = object
    return isObject(principal) ? Object.values(principal).flat() : [principal ?? null]
  })
  if (trusted.length === 1 && trusted[0] === 'lambda.amazonaws.com') return
  const problem = 'the role of a function is for Lambda alone'
  yield fault(role, 'AssumeRolePolicyDocument', problem, 'trust lambda.amazonaws.com and nobody else')
}

/**
 * Every folder of functions/ is deployed, and every function that is deployed has its folder.
 * @param folders the names of the folders that hold a function
 */
export function folders(folders: string[]): Rule {
  return {
    name: 'folders',
    *check(template) {
      const deployed = new Map<string, Resource>()
      for (const lambda of resourcesOf(template, 'AWS::Lambda::Function')) {
        const handler = stringAt(lambda.properties, 'Handler') ?? ''
        const folder = /^dist\/([^/]+)\/index\.handler$/.exec(handler)?.[1]
        if (folder === undefined) {
          yield fault(
            lambda,
            'Handler',
            `'${handler}' is not what scripts/build.ts writes`,
            'name it dist/<folder>/index.handler',
          )
        } else if (!folders.includes(folder)) {
          yield fault(
            lambda,
            'Handler',
            `there is no folder functions/${folder}`,
            'add it, or remove the function',
          )
        } else deployed.set(folder, lambda)
      }
      for (const folder of folders.filter((folder) => !deployed.has(folder))) {
        const problem = `functions/${folder} is not deployed`
        yield {
          where: '',
          field: '',
          problem,
          remedy: 'add the function to serverless.yml, or remove the folder',
        }
      }
    },
  }
}
