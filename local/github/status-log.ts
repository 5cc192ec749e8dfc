import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A commit status as it was sent. Source: GitHub REST API, "Create a commit status". */
export interface CommitStatus {
  /** `owner/name` */
  repository: string
  sha: string
  state: 'error' | 'failure' | 'pending' | 'success'
  context: string
  description: string | null
  target_url: string | null
  created_at: string
}

/** Every commit status that was posted, oldest first. */
export interface StatusLog {
  readonly all: readonly CommitStatus[]
  add(status: CommitStatus): void
}

/** @param folder where `statuses.jsonl` is; without one, nothing is kept */
export function openStatusLog(folder: string | undefined): StatusLog {
  if (folder === undefined) {
    const inMemory: CommitStatus[] = []
    return { all: inMemory, add: (status) => void inMemory.push(status) }
  }
  const file = join(folder, 'statuses.jsonl')
  mkdirSync(folder, { recursive: true })
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
  const all = lines.map((line): CommitStatus => JSON.parse(line))
  return {
    all,
    add(status) {
      all.push(status)
      appendFileSync(file, `${JSON.stringify(status)}\n`)
    },
  }
}
