import { GetObjectCommand } from '@aws-sdk/client-s3'
import { brotliDecompressSync } from 'node:zlib'
import { HearthError } from '../../../functions/shared/errors.ts'
import { cacheKeys, stateKeys } from '../../../functions/shared/keys.ts'
import { type Bucket, isMissing } from '../../../functions/shared/objects.ts'
import { readBatches } from '../../../functions/shared/run-files.ts'
import { baseNameOf, type StorePath } from '../../../nix/store-path.ts'
import type { Deployment } from '../deployment.ts'

export class NoSuchDerivation extends HearthError {
  override name = 'NoSuchDerivation'
}

/** `hearth run log`: prints the log of a build of a run. @param wanted a `.drv` path, or a part of its name that no other derivation of the run has */
export async function printLog(deployment: Deployment, run: string, wanted: string): Promise<void> {
  const drvPath = await findDerivation(deployment, run, wanted)
  const base = baseNameOf(drvPath)
  const log =
    (await findLog(deployment.state, stateKeys.log(run, base))) ??
    (await findLog({ ...deployment.state, name: deployment.cacheBucket }, cacheKeys.log(base)))
  if (log === undefined)
    throw new NoSuchDerivation(
      `${drvPath} has no log: it has not been built yet, or its builder was lost, or it wrote nothing`,
    )
  process.stdout.write(log)
}

async function findDerivation({ state }: Deployment, run: string, wanted: string): Promise<StorePath> {
  const batches = await readBatches(state, run)
  const all = new Set(batches.flatMap(({ job }) => job.derivations.map(({ drvPath }) => drvPath)))
  const found = [...all].filter((drvPath) => drvPath === wanted || baseNameOf(drvPath).includes(wanted))
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  throw new NoSuchDerivation(
    found.length === 0
      ? `the run ${run} has built nothing named ${wanted}: \`hearth run show ${run} --json\` lists what it has`
      : `${wanted} is a part of ${found.length} names; give more of it:\n${found.slice(0, 20).join('\n')}`,
  )
}

/** Builders compress logs with brotli, which is what Nix writes and every client reads (`nix log`). */
async function findLog(bucket: Bucket, key: string): Promise<Buffer | undefined> {
  try {
    const { Body, ContentEncoding } = await bucket.s3.send(
      new GetObjectCommand({ Bucket: bucket.name, Key: key }),
    )
    const bytes = Buffer.from((await Body?.transformToByteArray()) ?? new Uint8Array())
    return ContentEncoding === 'br' ? brotliDecompressSync(bytes) : bytes
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
