import type { App } from './apps.ts'

export interface Annotation {
  path: string
  start_line: number
  end_line: number
  start_column?: number
  end_column?: number
  annotation_level: 'notice' | 'warning' | 'failure'
  message: string
  title?: string
  raw_details?: string
}

/** What a request says of a check run. Source: GitHub REST API, "Create a check run". */
export interface CheckRunInput {
  name?: string
  head_sha?: string
  details_url?: string
  external_id?: string
  status?: string
  started_at?: string
  conclusion?: string
  completed_at?: string
  output?: { title?: string; summary?: string; text?: string; annotations?: Annotation[] }
  actions?: { label: string; description: string; identifier: string }[]
}

export interface CheckRun {
  id: number
  suite: number
  /** `owner/name` */
  repository: string
  app: App | undefined
  head_sha: string
  name: string
  status: string
  conclusion: string | null
  started_at: string
  completed_at: string | null
  details_url: string | null
  external_id: string
  output: { title: string | null; summary: string | null; text: string | null }
  /** of all requests together */
  annotations: Annotation[]
  /** every request that made or changed it, oldest first */
  history: CheckRunInput[]
}

export interface CheckRunLog {
  /** oldest first */
  readonly all: readonly CheckRun[]
  add(run: CheckRun): void
  /** The suite of an App's check runs for a commit: GitHub makes it with the first. */
  suiteOf(repository: string, sha: string, app: App | undefined, nextId: () => number): number
}

export function createCheckRunLog(): CheckRunLog {
  const all: CheckRun[] = []
  return {
    all,
    add: (run) => void all.push(run),
    suiteOf(repository, sha, app, nextId) {
      const same = all.find(
        (run) => run.repository === repository && run.head_sha === sha && run.app?.id === app?.id,
      )
      return same?.suite ?? nextId()
    },
  }
}

/** Changes a check run as a request says; `now` is ISO 8601. */
export function change(run: CheckRun, input: CheckRunInput, now: string): void {
  const { name, details_url, external_id, status, started_at, conclusion, completed_at, output } = input
  if (name !== undefined) run.name = name
  if (details_url !== undefined) run.details_url = details_url
  if (external_id !== undefined) run.external_id = external_id
  if (started_at !== undefined) run.started_at = started_at
  if (status !== undefined) run.status = status
  if (conclusion !== undefined) {
    run.conclusion = conclusion
    // GitHub says so: a conclusion completes it
    run.status = 'completed'
    run.completed_at = completed_at ?? now
  } else if (status !== undefined && status !== 'completed') {
    run.conclusion = null
    run.completed_at = null
  }
  if (output !== undefined) {
    const { title, summary, text, annotations = [] } = output
    run.output = { title: title ?? run.output.title, summary: summary ?? null, text: text ?? null }
    run.annotations.push(...annotations)
  }
  run.history.push(input)
}
