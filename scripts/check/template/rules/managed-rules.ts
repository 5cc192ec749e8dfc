import { readMachine } from '../../asl/machine.ts'
import { START_EXECUTION } from '../../asl/rules/tasks.ts'
import { isObject, objectOf, objectsOf, type JsonObject } from '../../json.ts'
import { fault, type Rule } from '../rule.ts'
import { referredResource, resourcesOf, type Resource } from '../template.ts'

/**
 * How Step Functions hears that what a `.sync` Task waits for has ended: an EventBridge rule that it makes by itself, as the state machine's role.
 * Source: Step Functions developer guide, "How Step Functions generates IAM policies for integrated services".
 */
const managed: Record<string, string> = {
  'arn:aws:states:::codebuild:startBuild.sync': 'StepFunctionsGetEventForCodeBuildStartBuildRule',
  [START_EXECUTION]: 'StepFunctionsGetEventsForStepFunctionsExecutionRule',
}
const actions = ['events:PutTargets', 'events:PutRule', 'events:DescribeRule']

/** A state machine that waits may make the rule that wakes it: without the permission CloudFormation cannot create it, and nothing in local/ would notice. */
export const managedRules: Rule = {
  name: 'managed-rules',
  *check(template) {
    for (const machine of resourcesOf(template, 'AWS::StepFunctions::StateMachine')) {
      const { Definition: definition, RoleArn: roleArn } = machine.properties
      const role = referredResource(template, roleArn)
      if (!isObject(definition) || role === undefined) continue
      const called = readMachine(definition).states.map(({ state }) => state['Resource'])
      for (const [resource, rule] of Object.entries(managed)) {
        if (!called.includes(resource)) continue
        const missing = actions.filter((action) => !allows(role, action, rule))
        if (missing.length === 0) continue
        const problem = `${machine.id} waits for ${resource.split(':::')[1]}, and may not hear of its end`
        yield fault(role, 'Policies', problem, `allow ${missing.join(', ')} on the events rule ${rule}`)
      }
    }
  },
}

function allows(role: Resource, action: string, rule: string): boolean {
  return statementsOf(role).some(
    ({ Effect: effect, Action: allowed, Resource: resources }) =>
      effect === 'Allow' &&
      [allowed].flat().includes(action) &&
      [resources ?? null].flat().some((arn) => JSON.stringify(arn).includes(`:rule/${rule}"`)),
  )
}

function statementsOf({ properties }: Resource): JsonObject[] {
  return objectsOf(properties['Policies']).flatMap(({ object }) => {
    const { Statement: statements } = objectOf(object['PolicyDocument'])
    return objectsOf([statements ?? null].flat()).map((statement) => statement.object)
  })
}
