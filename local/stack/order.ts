import { referencesOf } from './intrinsics.ts'
import { TemplateError, type Template } from './template.ts'

/**
 * The resources in an order in which each comes after everything that it refers to or that its DependsOn names.
 * Where nothing decides, the template's own order stands.
 * @throws TemplateError for a circle, naming it, and for a DependsOn that names no resource
 */
export function creationOrder(template: Template): string[] {
  const order: string[] = []
  const done = new Set<string>()
  const visit = (id: string, path: string[]): void => {
    if (done.has(id)) return
    if (path.includes(id))
      throw new TemplateError(`circular dependency: ${[...path.slice(path.indexOf(id)), id].join(' -> ')}`)
    for (const dependency of dependenciesOf(template, id)) visit(dependency, [...path, id])
    done.add(id)
    order.push(id)
  }
  for (const id of Object.keys(template.Resources)) visit(id, [])
  return order
}

function dependenciesOf(template: Template, id: string): string[] {
  const resource = template.Resources[id]
  if (resource === undefined) return []
  const explicit = [resource.DependsOn ?? []].flat()
  const missing = explicit.find((name) => template.Resources[name] === undefined)
  if (missing !== undefined)
    throw new TemplateError(`Resources.${id}: DependsOn names ${missing}, which does not exist`)
  const referred = [...referencesOf(resource.Properties ?? {})].filter((name) => name in template.Resources)
  return [...explicit, ...referred]
}
