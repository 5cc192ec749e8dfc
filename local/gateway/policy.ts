import { meetsCondition } from './policy-condition.ts'
import {
  checkPolicyDocument,
  listOf,
  statementsOf,
  type PolicyDocument,
  type Statement,
} from './policy-document.ts'
import { matchesPattern, matchesResource, parsePattern, type RequestContext } from './policy-pattern.ts'

export { InvalidPolicy, type PolicyDocument, type Statement } from './policy-document.ts'
export type { RequestContext } from './policy-pattern.ts'

export interface PolicyRequest {
  /** `s3:GetObject` */
  action: string
  /** ARN, or `*` for an action without a resource (`s3:ListAllMyBuckets`) */
  resource: string
  /** condition keys of the request */
  context: RequestContext
}

export interface PolicyDecision {
  allowed: boolean
  /** in words: which statement decided, or that none did */
  because: string
}

/**
 * Decides a request by the identity policies of its caller: an explicit Deny wins, then any Allow, and what nobody allows is denied.
 * Source: IAM user guide, "Policy evaluation logic". There are no boundaries, session policies or resource policies here.
 * @throws InvalidPolicy for a policy with an unknown field, operator or a principal, even when another statement would have decided
 */
export function evaluatePolicies(policies: PolicyDocument[], request: PolicyRequest): PolicyDecision {
  const applying = policies.flatMap((policy) => {
    checkPolicyDocument(policy)
    return statementsOf(policy).filter(({ statement }) => applies(statement, request))
  })
  const decisive =
    applying.find(({ statement }) => statement.Effect === 'Deny') ??
    applying.find(({ statement }) => statement.Effect === 'Allow')
  if (decisive === undefined) {
    return {
      allowed: false,
      because: `no statement of the policies allows ${request.action} on ${request.resource}`,
    }
  }
  const allowed = decisive.statement.Effect === 'Allow'
  return {
    allowed,
    because: `statement ${decisive.label} ${allowed ? 'allows' : 'explicitly denies'} ${request.action} on ${request.resource}`,
  }
}

function applies(statement: Statement, request: PolicyRequest): boolean {
  // The condition is always evaluated: an unknown operator is an error in the statements that do not apply, too.
  const condition = statement.Condition === undefined || meetsCondition(statement.Condition, request.context)
  return condition && matchesAction(statement, request) && coversResource(statement, request)
}

function matchesAction(statement: Statement, { action }: PolicyRequest): boolean {
  const matches = (pattern: string): boolean => {
    // Variables are not allowed in Action, hence the empty context.
    const parsed = parsePattern(pattern.toLowerCase(), {})
    return parsed !== undefined && matchesPattern(parsed, action.toLowerCase())
  }
  if (statement.NotAction !== undefined) return !listOf(statement.NotAction).some(matches)
  return listOf(statement.Action ?? []).some(matches)
}

function coversResource(statement: Statement, { resource, context }: PolicyRequest): boolean {
  const patterns = listOf(statement.Resource ?? statement.NotResource ?? []).map((value) =>
    parsePattern(value, context),
  )
  if (statement.Resource !== undefined) {
    return patterns.some((pattern) => pattern !== undefined && matchesResource(pattern, resource))
  }
  // A variable without a value makes the whole statement void: NotResource must not turn it into "everything".
  return patterns.every((pattern) => pattern !== undefined && !matchesResource(pattern, resource))
}
