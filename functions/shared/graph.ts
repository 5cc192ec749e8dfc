import { PutObjectCommand } from '@aws-sdk/client-s3'
import type { StorePath } from '../../nix/store-path.ts'
import type { Graph, GraphDerivation, RunId } from './contract.ts'
import { HearthError } from './errors.ts'
import { packGraph, unpackGraph } from './graph-file.ts'
import { stateKeys } from './keys.ts'
import { type Bucket, findObject } from './objects.ts'

export class GraphLost extends HearthError {
  override name = 'GraphLost'
}

// 20,000 derivations have 2 MB; the bound keeps a hostile evaluator from filling a Lambda.
const COMPRESSED_LIMIT = 64 * 1024 * 1024

/** @throws GraphLost when the run has none */
export async function readGraph(state: Bucket, run: RunId): Promise<Graph> {
  const found = await findObject(state, stateKeys.graph(run), COMPRESSED_LIMIT)
  if (found === undefined) throw new GraphLost(`the run ${run} has no graph`)
  return unpackGraph(found.bytes)
}

export async function writeGraph(state: Bucket, run: RunId, graph: Graph): Promise<void> {
  await state.s3.send(
    new PutObjectCommand({
      Bucket: state.name,
      Key: stateKeys.graph(run),
      Body: await packGraph(graph),
      ContentType: 'application/zstd',
    }),
  )
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
