import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import type { PlannedDerivation } from '../../builders/batch/batch.ts'
import { Progress } from '../../builders/batch/progress.ts'
import { Uploader } from '../../builders/batch/uploader.ts'
import { LocalStore } from '../../builders/machine/local-store.ts'
import { cleanEnvironment } from '../../builders/machine/nix-command.ts'
import { derivationNameOf } from '../../nix/derivation.ts'
import { fromBaseName, nameOf, parseStorePath } from '../../nix/store-path.ts'
import { benchS3, STAGING_PREFIX } from '../bench-s3.ts'

/**
 * Stages paths of the store as a builder stages what it has built, each as the only output of a derivation, into a new bucket; prints the bucket's name.
 * Arguments: the S3 endpoint, zstd's level, a file with the paths.
 */
const [endpoint = '', level = '', list = ''] = process.argv.slice(2)
const paths = readFileSync(list, 'utf8').split('\n').filter(Boolean).map(parseStorePath)
const s3 = benchS3(endpoint)
const bucket = `staging-${randomBytes(6).toString('hex')}`
await s3.send(new CreateBucketCommand({ Bucket: bucket }))
const folder = mkdtempSync(join(tmpdir(), 'hearth-bench-upload-'))
try {
  const environment = cleanEnvironment(process.env['HOME'] ?? folder, process.env)
  const uploader = new Uploader(
    {
      staging: { s3, bucket, prefix: STAGING_PREFIX },
      store: new LocalStore(environment),
      environment,
      folder,
      zstdLevel: Number(level),
      progress: new Progress(() => undefined),
      onStaged: () => undefined,
      inputsOf: async () => ({}),
    },
    new Set(),
  )
  for (const path of paths) uploader.built(derivationOf(path), 1)
  await uploader.finish()
  if (uploader.problems.length > 0) throw new Error(uploader.problems.slice(0, 3).join('\n'))
} finally {
  rmSync(folder, { recursive: true })
}
process.stdout.write(`${bucket}\n`)
s3.destroy()

function derivationOf(path: ReturnType<typeof parseStorePath>): PlannedDerivation {
  const drvPath = fromBaseName(`${'0'.repeat(32)}-${nameOf(path)}.drv`)
  return {
    drvPath,
    name: derivationNameOf(drvPath),
    outputs: [path],
    needs: [],
    inputOutputs: [],
    inputs: [],
    sources: [],
    path: 0,
    isAwaited: false,
  }
}
