import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { startManyPathsServer } from './many-paths-server.ts'

/** `HEARTH_VERIFY_PATHS=1000000` measures more. */
const PATHS = Number(process.env['HEARTH_VERIFY_PATHS'] ?? 20_000)
// Some 110 MiB are Node and the SDK, 64 MiB the page cache of SQLite; the rest is what V8 lets new objects take on a machine with memory to spare.
const LARGEST_MEBIBYTES = 400

test(
  `${PATHS} paths are verified in at most ${LARGEST_MEBIBYTES} MiB`,
  async () => {
    const server = await startManyPathsServer(PATHS)
    onTestFinished(server.close)
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['test/local/verify/verify-process.ts', server.endpoint, 'cache', 'state'],
      {
        env: {
          ...process.env,
          AWS_REGION: 'us-east-1',
          AWS_ACCESS_KEY_ID: 'AKIATEST',
          AWS_SECRET_ACCESS_KEY: 'secret',
        },
      },
    )
    console.log(stdout.trim())
    const result = JSON.parse(stdout) as { mebibytes: number }
    const missing = Math.floor(PATHS / 1000)
    expect(result).toMatchObject({
      counts: { narinfos: PATHS, nars: PATHS - missing },
      faults: { 'nar-missing': missing },
    })
    expect(result.mebibytes).toBeLessThan(LARGEST_MEBIBYTES)
  },
  Math.max(300_000, PATHS * 10),
)
