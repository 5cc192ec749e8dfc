import { readFileSync } from 'node:fs'
import { isObject } from '../json-object.ts'

/** A CloudFormation value: JSON, with intrinsic functions as one-key objects. */
export type Value = string | number | boolean | null | Value[] | { [key: string]: Value }
export type Properties = Record<string, Value>

export interface ResourceDefinition {
  Type: string
  Properties?: Properties
  DependsOn?: string | string[]
  Condition?: string
}

export interface Template {
  Parameters?: Record<string, { Type: string; Default?: Value; AllowedValues?: Value[] }>
  Conditions?: Record<string, Value>
  Mappings?: Record<string, Record<string, Record<string, Value>>>
  Resources: Record<string, ResourceDefinition>
  Outputs?: Record<string, { Value: Value; Condition?: string }>
}

/** Something in the template that this stack cannot bring up; the message names where. */
export class TemplateError extends Error {
  override name = 'TemplateError'
}

const SECTIONS = [
  'AWSTemplateFormatVersion',
  'Description',
  'Metadata',
  'Parameters',
  'Conditions',
  'Mappings',
  'Resources',
  'Outputs',
]
/** Retention attributes say what happens when a resource goes; nothing is ever deleted here. */
const RESOURCE_ATTRIBUTES = [
  'Type',
  'Properties',
  'DependsOn',
  'Condition',
  'Metadata',
  'DeletionPolicy',
  'UpdateReplacePolicy',
]

/**
 * Reads the template that `serverless package` writes (`cloudformation-template-update-stack.json`).
 * @throws TemplateError for a section or a resource attribute that is not known here
 */
export function readTemplate(file: string): Template {
  const template: unknown = JSON.parse(readFileSync(file, 'utf8'))
  checkTemplate(template, file)
  return template
}

/** Checks the shape of a template: sections, resources and their attributes. */
export function checkTemplate(template: unknown, file: string): asserts template is Template {
  if (!isObject(template) || !isObject(template['Resources']))
    throw new TemplateError(`${file} has no Resources: it is no CloudFormation template`)
  const section = Object.keys(template).find((key) => !SECTIONS.includes(key))
  if (section !== undefined) throw new TemplateError(`${file}: unknown section "${section}"`)
  for (const [id, resource] of Object.entries(template['Resources'])) {
    if (!isObject(resource) || typeof resource['Type'] !== 'string')
      throw new TemplateError(`${file}: resource ${id} has no Type`)
    const attribute = Object.keys(resource).find((key) => !RESOURCE_ATTRIBUTES.includes(key))
    if (attribute !== undefined)
      throw new TemplateError(`${file}: resource ${id} has the unknown attribute "${attribute}"`)
  }
}
