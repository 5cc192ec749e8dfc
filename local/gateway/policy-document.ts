/** A condition operator's operands: condition key -> the value or values of which one must match. */
export type ConditionBlock = Record<
  string,
  Record<string, string | number | boolean | (string | number | boolean)[]>
>

export interface Statement {
  Sid?: string
  Effect: 'Allow' | 'Deny'
  Action?: string | string[]
  NotAction?: string | string[]
  Resource?: string | string[]
  NotResource?: string | string[]
  Condition?: ConditionBlock
}

/** An IAM identity policy, after CloudFormation's intrinsic functions were resolved. */
export interface PolicyDocument {
  Version: '2012-10-17'
  Id?: string
  Statement: Statement | Statement[]
}

/** A policy that IAM would refuse, or that says something this evaluator does not know. */
export class InvalidPolicy extends Error {
  override name = 'InvalidPolicy'
}

const DOCUMENT_FIELDS = new Set(['Version', 'Id', 'Statement'])
const STATEMENT_FIELDS = new Set([
  'Sid',
  'Effect',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
])

/**
 * Checks the form of an identity policy by the grammar of the IAM user guide ("Grammar of the IAM JSON policy language"). Operators are
 * checked where they are evaluated.
 * @throws InvalidPolicy that names the offending field
 */
export function checkPolicyDocument(document: unknown): asserts document is PolicyDocument {
  const policy = record(document, 'a policy document')
  refuseUnknown(policy, DOCUMENT_FIELDS, 'policy document')
  if (policy['Version'] !== '2012-10-17') {
    // Without it, or with 2008-10-17, IAM takes `${aws:userid}` literally: never what our templates mean.
    throw new InvalidPolicy(
      `policy document: Version must be "2012-10-17", not ${JSON.stringify(policy['Version'])}`,
    )
  }
  const statements: unknown[] = Array.isArray(policy['Statement'])
    ? policy['Statement']
    : [policy['Statement']]
  for (const [index, statement] of statements.entries()) checkStatement(statement, index)
}

/** The statements of a policy, each with the name to call it by: its Sid, or its position. */
export function statementsOf(policy: PolicyDocument): { label: string; statement: Statement }[] {
  const statements = Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement]
  return statements.map((statement, index) => ({ label: statement.Sid ?? `#${index}`, statement }))
}

/** IAM allows a lone value wherever it allows a list. */
export function listOf<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value]
}

function checkStatement(value: unknown, index: number): void {
  const statement = record(value, `statement #${index}`)
  const label = `statement ${JSON.stringify(statement['Sid'] ?? `#${index}`)}`
  for (const principal of ['Principal', 'NotPrincipal']) {
    if (principal in statement) {
      throw new InvalidPolicy(
        `${label}: ${principal} belongs in a resource policy; an identity policy has none`,
      )
    }
  }
  refuseUnknown(statement, STATEMENT_FIELDS, label)
  if (statement['Effect'] !== 'Allow' && statement['Effect'] !== 'Deny') {
    throw new InvalidPolicy(
      `${label}: Effect must be "Allow" or "Deny", not ${JSON.stringify(statement['Effect'])}`,
    )
  }
  checkOneOf(statement, 'Action', 'NotAction', label)
  checkOneOf(statement, 'Resource', 'NotResource', label)
  if (statement['Condition'] !== undefined) checkCondition(statement['Condition'], label)
}

function checkOneOf(statement: Record<string, unknown>, field: string, negated: string, label: string): void {
  if (field in statement === negated in statement) {
    throw new InvalidPolicy(`${label}: needs exactly one of ${field} and ${negated}`)
  }
  const values: unknown[] = listOf<unknown>(statement[field] ?? statement[negated])
  if (values.length === 0 || !values.every((value) => typeof value === 'string')) {
    throw new InvalidPolicy(`${label}: ${field in statement ? field : negated} must be one string or several`)
  }
}

function checkCondition(condition: unknown, label: string): void {
  for (const [operator, operands] of Object.entries(record(condition, `${label}: Condition`))) {
    for (const [key, value] of Object.entries(record(operands, `${label}: Condition ${operator}`))) {
      const values: unknown[] = listOf<unknown>(value)
      if (!values.every((one) => ['string', 'number', 'boolean'].includes(typeof one))) {
        throw new InvalidPolicy(
          `${label}: Condition ${operator} ${key} must be strings, numbers or booleans; an unresolved intrinsic function?`,
        )
      }
    }
  }
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidPolicy(`${what} must be an object, not ${JSON.stringify(value)}`)
  }
  return Object.fromEntries(Object.entries(value))
}

function refuseUnknown(value: Record<string, unknown>, known: Set<string>, what: string): void {
  for (const field of Object.keys(value)) {
    if (!known.has(field)) throw new InvalidPolicy(`${what}: unknown field ${JSON.stringify(field)}`)
  }
}
