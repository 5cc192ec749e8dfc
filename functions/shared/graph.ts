import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import type { StorePath } from '../../nix/store-path.ts'
import type { Graph, GraphDerivation, RunId } from './contract.ts'
import { HearthError } from './errors.ts'
import { stateKeys } from './keys.ts'
import { type Bucket, findObject } from './objects.ts'

export class GraphLost extends HearthError {
  override name = 'GraphLost'
}

const decompress = promisify(zstdDecompress)

// 20,000 derivations have 20 MB of graph; the bounds keep a hostile evaluator from filling a Lambda.
const COMPRESSED_LIMIT = 64 * 1024 * 1024
const LIMIT = 512 * 1024 * 1024

/** @throws GraphLost when the run has none */
export async function readGraph(state: Bucket, run: RunId): Promise<Graph> {
  const found = await findObject(state, stateKeys.graph(run), COMPRESSED_LIMIT)
  if (found === undefined) throw new GraphLost(`the run ${run} has no graph`)
  // In pieces of 16 KiB, as is zlib's default, each would go to another thread and back: four times as long.
  const text = await decompress(found.bytes, { maxOutputLength: LIMIT, chunkSize: 1024 ** 2 })
  return JSON.parse(text.toString('utf8')) as Graph
}

export class IncompleteGraph extends HearthError {
  override name = 'IncompleteGraph'
  constructor(drvPath: StorePath, neededBy: string) {
    super(`${neededBy} needs ${drvPath}, which the evaluator's graph lacks`)
  }
}

export function derivationOf(graph: Graph, drvPath: StorePath, neededBy: string): GraphDerivation {
  const derivation = graph.derivations[drvPath]
  if (derivation === undefined) throw new IncompleteGraph(drvPath, neededBy)
  return derivation
}

/** `Object.entries` for records keyed by store path. */
export function entries<Value>(record: Record<StorePath, Value>): [StorePath, Value][] {
  return Object.entries(record) as [StorePath, Value][]
}
