import type { Caller } from './caller.ts'
import type { Addresses } from './describe-owner.ts'
import type { Forge } from './forge.ts'
import type { Repository } from './repository.ts'

/** A request of the REST API that has passed every check that all of them have in common. */
export interface RestCall {
  forge: Forge
  caller: Caller
  addresses: Addresses
  /** the request's own, whole */
  url: URL
  query: URLSearchParams
  accept: string
  /** of the path */
  parameters: Record<string, string>
  /** has passed its schema; an empty object when there is none */
  body: Record<string, unknown>
}

export interface RepositoryCall extends RestCall {
  repository: Repository
}
