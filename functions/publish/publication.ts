import type { SecretKey } from '../../nix/signature.ts'
import type { Caches } from '../shared/caches.ts'
import type { BuildId, Graph, RunId } from '../shared/contract.ts'
import type { Bucket } from '../shared/objects.ts'

/** Everything that publishing one build's results needs. */
export interface Publication {
  run: RunId
  build: BuildId
  /** the staging prefix of that build; nothing else of staging is read */
  prefix: string
  graph: Graph
  staging: Bucket
  cache: Bucket
  state: Bucket
  caches: Caches
  keys: SecretKey[]
}
