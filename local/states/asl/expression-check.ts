import { compile, FUNCTIONS } from './jsonata-functions.ts'
import { messageOf } from './expression.ts'
import { isObject } from './json.ts'

/** What an expression may refer to, by where it stands. */
export interface Surroundings {
  /** names of the variables that Assign has put there, without the `$` */
  variables: ReadonlySet<string>
  /** `$states.result` exists */
  result: boolean
  /** `$states.errorOutput` exists */
  errorOutput: boolean
  /** `$states.context.Task.Token` exists */
  taskToken: boolean
}

/** The members of the context object. Source: developer guide, "Accessing execution data from the Context object". */
const CONTEXT: Record<string, readonly string[]> = {
  Execution: ['Id', 'Input', 'Name', 'RoleArn', 'StartTime', 'RedriveCount'],
  State: ['EnteredTime', 'Name', 'RetryCount'],
  StateMachine: ['Id', 'Name'],
  Map: ['Item'],
  Task: ['Token'],
}

type Node = Record<string, unknown>

/**
 * What is wrong with an expression before anybody runs it: syntax that JSONata 2.0.6 does not have, functions that do not exist, variables
 * that nothing assigns, members of `$states` that do not exist (there). An empty list when nothing is.
 */
export function faultsOf(expression: string, around: Surroundings): string[] {
  let ast: Node
  try {
    ast = compile(expression).ast() as unknown as Node
  } catch (error) {
    return [`no JSONata 2.0.6: ${messageOf(error)}`]
  }
  const faults = new Set<string>()
  const locals = namesBoundIn(ast)
  const knows = (name: string): boolean => locals.has(name) || around.variables.has(name)

  function checkVariable(name: string, inContext: boolean): void {
    if (name === '$') faults.add('$$ is not available: there is no input document, use $states.input')
    else if (name === '') {
      if (!inContext) faults.add('$ stands for nothing here: there is no input document, use $states.input')
    } else if (name === 'eval') faults.add('$eval is not available; use $parse for JSON text')
    else if (name !== 'states' && !knows(name) && !FUNCTIONS.has(name))
      faults.add(`nothing assigns the variable $${name}`)
  }

  function checkCall(procedure: unknown, inContext: boolean): void {
    if (!isObject(procedure) || procedure['type'] !== 'variable') return visit(procedure, inContext)
    const name = String(procedure['value'])
    if (name === 'eval') faults.add('$eval is not available; use $parse for JSON text')
    else if (locals.has(name)) return
    else if (around.variables.has(name)) faults.add(`$${name} is a variable here and cannot be called`)
    else if (!FUNCTIONS.has(name)) faults.add(`unknown function $${name}`)
  }

  function checkStates(steps: Node[]): void {
    const [member, group, field] = steps
      .slice(1, 4)
      .map((step) => (step['type'] === 'name' ? String(step['value']) : undefined))
    if (member === undefined) return
    if (!['input', 'result', 'errorOutput', 'context'].includes(member))
      faults.add(`$states has no ${member}`)
    if (member === 'result' && !around.result) faults.add('$states.result does not exist here')
    if (member === 'errorOutput' && !around.errorOutput)
      faults.add('$states.errorOutput exists in a Catch only')
    if (member !== 'context' || group === undefined) return
    const members = Object.hasOwn(CONTEXT, group) ? CONTEXT[group] : undefined
    if (!members) faults.add(`$states.context has no ${group}`)
    else if (field !== undefined && !members.includes(field))
      faults.add(`$states.context.${group} has no ${field}`)
    if (group === 'Task' && !around.taskToken)
      faults.add('$states.context.Task exists in the Arguments of a .waitForTaskToken resource only')
  }

  /** @param inContext whether `$` and bare names stand for something: inside a path, a predicate, a sort term, a transformation */
  function visit(node: unknown, inContext: boolean): void {
    if (Array.isArray(node)) return node.forEach((element) => visit(element, inContext))
    if (!isObject(node)) return
    for (const part of ['predicate', 'stages', 'group', 'terms']) visit(node[part], true)
    switch (node['type']) {
      case 'variable':
        return checkVariable(String(node['value']), inContext)
      case 'name':
      case 'wildcard':
      case 'descendant':
      case 'parent':
        if (!inContext)
          faults.add(
            `${typeof node['value'] === 'string' ? node['value'] : '%'} stands for nothing here: there is no input document, use $states.input`,
          )
        return
      case 'path':
        return visitPath(node, inContext)
      case 'function':
      case 'partial':
        checkCall(node['procedure'], inContext)
        return visit(node['arguments'], inContext)
      case 'lambda':
        return visit(node['body'], inContext)
      case 'bind':
        return visit(node['rhs'], inContext)
      case 'transform':
        return ['pattern', 'update', 'delete'].forEach((part) => visit(node[part], true))
      default:
        for (const part of ['lhs', 'rhs', 'expression', 'expressions', 'condition', 'then', 'else', 'expr'])
          visit(node[part], inContext)
    }
  }

  function visitPath(node: Node, inContext: boolean): void {
    const steps = (Array.isArray(node['steps']) ? node['steps'] : []).filter(isObject)
    const [first] = steps
    if (first?.['type'] === 'variable' && first['value'] === 'states') checkStates(steps)
    steps.forEach((step, index) => visit(step, inContext || index > 0))
  }

  visit(ast, false)
  return [...faults]
}

/** Names that the expression itself binds: `$x := …`, parameters of functions, `@$x`, `#$i`. */
function namesBoundIn(node: unknown, names = new Set<string>()): Set<string> {
  if (Array.isArray(node)) node.forEach((element) => namesBoundIn(element, names))
  if (!isObject(node)) return names
  if (node['type'] === 'bind' && isObject(node['lhs'])) names.add(String(node['lhs']['value']))
  if (node['type'] === 'lambda' && Array.isArray(node['arguments']))
    for (const parameter of node['arguments']) if (isObject(parameter)) names.add(String(parameter['value']))
  for (const part of ['focus', 'index']) if (typeof node[part] === 'string') names.add(node[part])
  if (node['type'] === 'index') names.add(String(node['value']))
  Object.values(node).forEach((member) => namesBoundIn(member, names))
  return names
}
