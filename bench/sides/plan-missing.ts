import { findMissing } from '../../functions/plan/missing.ts'
import { warmSetOf } from '../../functions/plan/warm-set.ts'
import { openCacheIndex } from '../../functions/shared/cache-index/cache-index.ts'
import { openCaches } from '../../functions/shared/caches.ts'
import type { Upstream } from '../../functions/shared/contract.ts'
import { readGraph } from '../../functions/shared/graph.ts'
import { openUpstreamMemory } from '../../functions/shared/upstream-memory.ts'
import { parseStorePath } from '../../nix/store-path.ts'
import { benchS3 } from '../bench-s3.ts'
import { RUN, STATE } from '../plan-buckets.ts'

/**
 * Finds what is missing of a shell, as Plan does in every wave: reads the graph, asks index, memory and caches, and writes down what was learnt. Prints it.
 * Arguments: the S3 endpoint, the name of our cache's bucket, the upstreams as JSON, the shell's derivation.
 */
const [endpoint = '', cacheBucket = '', upstreams = '[]', shell = ''] = process.argv.slice(2)
const s3 = benchS3(endpoint)
const state = { s3, name: STATE }
const cache = { s3, name: cacheBucket }
const index = openCacheIndex(state, cache)
// What follows is the function's work; what stands before it, Lambda does once for many calls.
const started = performance.now()
const caches = openCaches(cache, JSON.parse(upstreams) as Upstream[], openUpstreamMemory(state), index)
index.open()
const graph = await readGraph(state, RUN)
const wanted = warmSetOf(graph, 'devShells.default', parseStorePath(shell))
const { held, derivations } = await findMissing(
  graph,
  wanted,
  async (paths) => caches.whichAreHeld(paths),
  () => false,
)
await caches.save()
const seconds = (performance.now() - started) / 1000
const secondsOfProcess = performance.now() / 1000
process.stdout.write(
  JSON.stringify({
    held: [...held].sort(),
    missing: [...derivations].sort(),
    requests: caches.requests(),
    seconds,
    secondsOfProcess,
  }),
)
s3.destroy()
