import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

/** What is kept of a resource from one start to the next. */
export interface ResourceRecord {
  type: string
  physicalId: string
  attributes: Record<string, string>
  /** a custom resource's properties, as its function was last told them */
  customProperties?: unknown
}

/** The resources that a folder's stack has had, by logical id. */
export interface StackRecord {
  find(logicalId: string): ResourceRecord | undefined
  save(logicalId: string, resource: ResourceRecord): void
}

export function openStackRecord(file: string): StackRecord {
  const resources: Record<string, ResourceRecord> = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : {}
  return {
    find: (logicalId) => resources[logicalId],
    save(logicalId, resource) {
      resources[logicalId] = resource
      writeFileSync(`${file}.new`, JSON.stringify(resources, undefined, 1))
      renameSync(`${file}.new`, file)
    },
  }
}
