import type { Graph, RunId } from '../shared/contract.ts'
import { readGraph } from '../shared/graph.ts'
import type { Bucket } from '../shared/objects.ts'

// Publish is called every 20 s for each machine of a run. A graph of 20,000 derivations is some 100 MB in memory, and a second to read.
const GRAPHS = 2
const known = new Map<string, Promise<Graph>>()

/** The graph of a run, which Plan writes anew before a wave and never meanwhile. @throws GraphLost when the run has none */
export async function graphOfWave(state: Bucket, run: RunId, wave: number): Promise<Graph> {
  const name = `${run} ${wave}`
  const graph = known.get(name) ?? readGraph(state, run)
  known.delete(name)
  known.set(name, graph)
  for (const oldest of [...known.keys()].slice(0, -GRAPHS)) known.delete(oldest)
  // What could not be read may be there the next time.
  graph.catch(() => known.delete(name))
  return graph
}
