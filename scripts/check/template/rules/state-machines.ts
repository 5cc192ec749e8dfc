import { START_EXECUTION } from '../../asl/rules/tasks.ts'
import { placeholdersIn } from '../../asl/rules/placeholders.ts'
import { readMachine, type PlacedState } from '../../asl/machine.ts'
import type { Fault } from '../../finding.ts'
import { isObject, objectOf, stringsIn, type Json } from '../../json.ts'
import { fault, type Rule } from '../rule.ts'
import { intrinsicOf, referredResource, resourcesOf, type Resource, type Template } from '../template.ts'

/** A state machine's placeholders are filled, name what its Tasks call, and no Task gives up before what it called does. */
export const stateMachines: Rule = {
  name: 'state-machines',
  *check(template) {
    for (const machine of resourcesOf(template, 'AWS::StepFunctions::StateMachine')) {
      yield* checkPlaceholders(machine)
      const { Definition: definition, DefinitionSubstitutions: substitutions } = machine.properties
      if (!isObject(definition)) continue
      for (const placed of readMachine(definition).states) {
        yield* checkTask(template, machine, objectOf(substitutions), placed)
      }
    }
  },
}

function* checkPlaceholders(machine: Resource): Generator<Fault> {
  const { Definition: definition, DefinitionSubstitutions: substitutions } = machine.properties
  if (definition === undefined) {
    yield fault(
      machine,
      'Definition',
      'the definition cannot be read here',
      'write Definition: ${file(statemachines/….asl.json)}',
    )
    return
  }
  const given = Object.keys(objectOf(substitutions))
  const wanted = new Set(
    [...stringsIn(definition)].flatMap(({ text, isKey }) => (isKey ? [] : placeholdersIn(text))),
  )
  for (const name of wanted) {
    if (name === undefined || given.includes(name)) continue
    yield fault(machine, 'DefinitionSubstitutions', `nothing is given for \${${name}}`, `add ${name}`)
  }
  for (const name of given.filter((name) => !wanted.has(name))) {
    yield fault(machine, `DefinitionSubstitutions.${name}`, 'the definition does not use it', 'remove it')
  }
}

interface Called {
  argument: string
  type: string
  /** how long it may take before it gives up by itself; 0 when nobody waits for its end */
  seconds: (called: Resource) => number
}

const invoked: Called = {
  argument: 'FunctionName',
  type: 'AWS::Lambda::Function',
  // 3 s when the template says nothing. Source: Lambda, CreateFunction.
  seconds: ({ properties }) => Number(properties['Timeout'] ?? 3),
}
const called: Record<string, Called> = {
  'arn:aws:states:::lambda:invoke': invoked,
  'arn:aws:states:::lambda:invoke.waitForTaskToken': invoked,
  'arn:aws:states:::codebuild:startBuild': {
    argument: 'ProjectName',
    type: 'AWS::CodeBuild::Project',
    seconds: () => 0,
  },
  'arn:aws:states:::codebuild:startBuild.sync': {
    argument: 'ProjectName',
    type: 'AWS::CodeBuild::Project',
    // 60 and 480 minutes when the template says nothing. Source: CodeBuild, CreateProject.
    seconds: ({ properties }) =>
      60 *
      (Number(properties['TimeoutInMinutes'] ?? 60) + Number(properties['QueuedTimeoutInMinutes'] ?? 480)),
  },
  [START_EXECUTION]: {
    argument: 'StateMachineArn',
    type: 'AWS::StepFunctions::StateMachine',
    // A year when the definition says nothing. Source: Step Functions quotas, "Maximum execution time".
    seconds: ({ properties }) =>
      Number(objectOf(properties['Definition'])['TimeoutSeconds'] ?? 365 * 24 * 60 * 60),
  },
}

function* checkTask(
  template: Template,
  machine: Resource,
  substitutions: Record<string, Json>,
  { path, state }: PlacedState,
): Generator<Fault> {
  const { Resource: resource, Arguments: given, TimeoutSeconds: timeout } = state
  const kind = typeof resource === 'string' ? called[resource] : undefined
  if (kind === undefined) return
  const field = `Definition.${path}`
  const named = objectOf(given)[kind.argument]
  const names = typeof named === 'string' ? placeholdersIn(named) : []
  if (names.length === 0) {
    const problem = `${kind.argument} names nothing of this template`
    yield fault(machine, `${field}.Arguments.${kind.argument}`, problem, 'name it with a placeholder')
  }
  const values = names.flatMap((name) =>
    alternativesOf(substitutions[name ?? '']).map((value) => ({ name, value })),
  )
  for (const { name, value } of values) {
    const target = referredResource(template, value)
    if (target?.type !== kind.type) {
      const problem = `\${${name}} is no ${kind.type} of this template`
      yield fault(machine, `${field}.Arguments.${kind.argument}`, problem, 'correct its substitution')
    } else if (typeof timeout === 'number' && timeout <= kind.seconds(target)) {
      const problem = `${timeout} s are over before ${target.id} gives up, after ${kind.seconds(target)} s`
      yield fault(
        machine,
        `${field}.TimeoutSeconds`,
        problem,
        'make it longer: Step Functions would leave it running',
      )
    }
  }
}

/** What a value may be, whichever way its conditions go. An empty text stands for what a deployment may not have, and nobody calls that. */
function alternativesOf(value: Json | undefined): Json[] {
  if (value === undefined) return []
  const intrinsic = intrinsicOf(value)
  if (intrinsic?.name !== 'Fn::If' || !Array.isArray(intrinsic.argument)) return [value]
  return intrinsic.argument
    .slice(1)
    .flatMap(alternativesOf)
    .filter((alternative) => alternative !== '')
}
