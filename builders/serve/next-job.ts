import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import { setTimeout as sleep } from 'node:timers/promises'
import type { MachineJob } from '../../functions/shared/contract.ts'
import { stateKeys } from '../../functions/shared/keys.ts'
import { readMachineJob } from '../machine/job.ts'
import type { Machine } from './machine.ts'

const POLL_MILLISECONDS = 2000

/**
 * Waits for a machine's next job. It is looked for in a list: who may not list everything gets 403 for a key that is not there.
 * @param turn from 1
 * @param isIdle whether the machine has nothing to do: it waits as long as it has
 * @returns undefined when there was none for as long as a machine waits, or the signal was aborted
 */
export async function nextJob(
  { id, clients: { s3 }, settings }: Machine,
  turn: number,
  stop: AbortSignal,
  isIdle: () => boolean,
): Promise<MachineJob | undefined> {
  const bucket = settings.stateBucket
  const key = stateKeys.machineJob(id, turn)
  const list = new ListObjectsV2Command({ Bucket: bucket, Prefix: key, MaxKeys: 1 })
  let begun = performance.now()
  for (;;) {
    if (!isIdle()) begun = performance.now()
    // Before it asks: a job that comes in the last moment is found.
    const isPatient = performance.now() - begun < settings.idleSeconds * 1000
    try {
      const { Contents = [] } = await s3.send(list, { abortSignal: stop })
      if (Contents.some(({ Key }) => Key === key)) return await readMachineJob({ s3, bucket, key })
      if (!isPatient) return undefined
      await sleep(POLL_MILLISECONDS, undefined, { signal: stop })
    } catch (error) {
      if (stop.aborted) return undefined
      throw error
    }
  }
}
