import { listOf, type Statement } from './policy-document.ts'
import { InvalidPolicy, type PolicyDocument } from './policy.ts'
import { ACCOUNT, type Caller } from './service.ts'

/** `"*"`, or a kind of principal with its names. */
export type Principal = '*' | Record<string, string | string[]>

/** A statement of a bucket policy: an identity policy's, and whom it is about. */
export type ResourceStatement = Statement & ({ Principal: Principal } | { NotPrincipal: Principal })

export interface ResourcePolicy {
  Version: '2012-10-17'
  Id?: string
  Statement: ResourceStatement | ResourceStatement[]
}

/**
 * The part of a resource policy that is about one caller, as the identity policy that it then amounts to: within one account, a request is
 * allowed when either policy allows it and neither denies it.
 * Source: IAM user guide, "Policy evaluation logic" and "AWS JSON policy elements: Principal".
 */
export function policyForCaller(policy: ResourcePolicy, caller: Caller): PolicyDocument {
  const statements = listOf(policy.Statement).filter((statement) => isAbout(statement, caller))
  return {
    Version: policy.Version,
    Statement: statements.map(withoutPrincipal),
  }
}

/** What it says, whoever it is about. */
export function withoutPrincipal(statement: ResourceStatement): Statement {
  const copy: Statement & { Principal?: Principal; NotPrincipal?: Principal } = { ...statement }
  delete copy.Principal
  delete copy.NotPrincipal
  return copy
}

/** `arn:aws:iam::…:role/<name>` of an assumed role, or the caller's own ARN. */
export function principalArnOf(caller: Caller): string | undefined {
  if (caller.kind === 'anonymous') return undefined
  if (caller.kind === 'operator') return caller.arn
  return `arn:aws:iam::${ACCOUNT}:role/${caller.arn.split('/')[1] ?? ''}`
}

function isAbout(statement: ResourceStatement, caller: Caller): boolean {
  if ('Principal' in statement && 'NotPrincipal' in statement)
    throw new InvalidPolicy('a statement has either Principal or NotPrincipal')
  if ('Principal' in statement) return matches(statement.Principal, caller, statement.Effect)
  if ('NotPrincipal' in statement) return !matches(statement.NotPrincipal, caller, statement.Effect)
  throw new InvalidPolicy('a statement of a resource policy needs a Principal')
}

function matches(principal: Principal, caller: Caller, effect: Statement['Effect']): boolean {
  if (principal === '*') return true
  return Object.entries(principal).some(([kind, names]) => {
    // No caller of the local stack is a service, a federated or a canonical user.
    if (kind === 'Service' || kind === 'Federated' || kind === 'CanonicalUser') return false
    if (kind !== 'AWS') throw new InvalidPolicy(`unknown kind of principal "${kind}"`)
    return listOf(names).some((name) => isCaller(name, caller, effect))
  })
}

function isCaller(name: string, caller: Caller, effect: Statement['Effect']): boolean {
  if (name === '*') return true
  if (caller.kind === 'anonymous') return false
  // To allow the account itself only lets its identity policies decide, which they do anyway; to deny it denies everybody in it.
  if (name === ACCOUNT || name === `arn:aws:iam::${ACCOUNT}:root`) return effect === 'Deny'
  return name === caller.arn || name === principalArnOf(caller)
}
