import { serverForThisFile } from '../s3/server-fixture.ts'
import type { Sketch } from '../../unit/functions/graphs.ts'
import { World } from './world.ts'

/** Worlds on one S3 server for all tests of a file: each test makes its own, with buckets of its own. */
export function worldsForThisFile(): (sketches: Record<string, Sketch>) => World {
  const running = serverForThisFile([])
  return (sketches) =>
    new World(
      sketches,
      running.s3,
      (name) => {
        running.server.createBucket(name)
      },
      running.server.client(),
    )
}
