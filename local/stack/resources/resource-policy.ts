import type { ResourcePolicy } from '../../gateway/resource-policy.ts'
import { isObject } from '../../json-object.ts'
import { TemplateError } from '../template.ts'

/**
 * A policy without a Version is of 2008-10-17, which takes variables literally; without a variable it says the same as one of 2012-10-17.
 * Source: IAM user guide, "IAM JSON policy elements: Version".
 */
export function readResourcePolicy(logicalId: string, document: unknown): ResourcePolicy {
  const policy: Record<string, unknown> = isObject(document) ? { Version: '2008-10-17', ...document } : {}
  const current = policy['Version'] === '2008-10-17' && !JSON.stringify(policy).includes('${')
  const upgraded = current ? { ...policy, Version: '2012-10-17' } : policy
  if (!isResourcePolicy(upgraded))
    throw new TemplateError(
      `Resources.${logicalId}: a resource policy has Version 2012-10-17 and a Statement`,
    )
  return upgraded
}

function isResourcePolicy(document: unknown): document is ResourcePolicy {
  return isObject(document) && document['Version'] === '2012-10-17' && document['Statement'] !== undefined
}
