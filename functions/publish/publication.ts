import type { LimitFunction } from 'p-limit'
import type { SecretKey } from '../../nix/signature.ts'
import type { StorePath } from '../../nix/store-path.ts'
import type { Caches } from '../shared/caches.ts'
import type { BuildId, Graph, RunId } from '../shared/contract.ts'
import type { Bucket } from '../shared/objects.ts'
import type { PublishedPath } from '../shared/records.ts'
import type { Parcels } from './parcels.ts'

/** Everything that publishing one build's results needs. */
export interface Publication {
  run: RunId
  build: BuildId
  /** the staging prefix of that build; nothing else of staging is read, but what another Publish has verified and recorded */
  prefix: string
  /** the small objects below it */
  parcels: Parcels
  graph: Graph
  staging: Bucket
  cache: Bucket
  state: Bucket
  caches: Caches
  keys: SecretKey[]
  /** the most bytes that one NAR may have, whatever its narinfo declares */
  maxNarSize: number
  /** how many large NARs are read at once */
  largeNars: LimitFunction
  /** sources that were verified already: several derivations may refer to one */
  verifiedSources: Map<StorePath, Promise<PublishedPath>>
  /** milliseconds since 1970; `Date.now` unless it says otherwise */
  now?: () => number
}
