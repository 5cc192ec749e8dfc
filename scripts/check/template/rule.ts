import type { Fault } from '../finding.ts'
import type { Resource, Template } from './template.ts'

/** One rule about a template. */
export interface Rule {
  name: string
  check(template: Template): Iterable<Fault> | AsyncIterable<Fault>
}

export function fault({ id }: Resource, field: string, problem: string, remedy: string): Fault {
  return { where: id, field, problem, remedy }
}
