import type { Fault, Finding } from '../finding.ts'
import type { JsonObject } from '../json.ts'
import type { Rule } from './rule.ts'
import { buckets } from './rules/buckets.ts'
import { conditions } from './rules/conditions.ts'
import { folders, functions } from './rules/functions.ts'
import { managedRules } from './rules/managed-rules.ts'
import { permissions } from './rules/permissions.ts'
import { properties, type ResourceSpecification } from './rules/properties.ts'
import { cycles, references } from './rules/references.ts'
import { stateMachines } from './rules/state-machines.ts'
import { readTemplate } from './template.ts'
import type { Wildcard } from './wildcards.ts'

export interface Expectations {
  /** what CloudFormation knows: `loadAwsServiceSpec()` */
  specification: ResourceSpecification
  /** the folders of functions/ that hold a function */
  functionFolders: string[]
  wildcards: Wildcard[]
}

/** Everything that is wrong with a packaged template. */
export async function checkTemplate(
  file: string,
  template: JsonObject,
  { specification, functionFolders, wildcards }: Expectations,
): Promise<Finding[]> {
  const rules: Rule[] = [
    properties(specification),
    references(specification),
    conditions,
    cycles,
    stateMachines,
    managedRules,
    permissions(wildcards),
    functions,
    folders(functionFolders),
    buckets,
  ]
  const read = readTemplate(template)
  const found: Finding[] = []
  for (const rule of rules) {
    const faults: Fault[] = []
    for await (const fault of rule.check(read)) faults.push(fault)
    found.push(...faults.map((fault) => ({ file, rule: rule.name, ...fault })))
  }
  return found
}
