import { PutObjectCommand } from '@aws-sdk/client-s3'
import { setTimeout as sleep } from 'node:timers/promises'
import type { System, WorkerSign } from '../../functions/shared/contract.ts'
import { describeError } from '../../functions/shared/errors.ts'
import { stateKeys } from '../../functions/shared/keys.ts'
import type { Machine } from './machine.ts'

// 60 s: a run plans nothing for a Mac that has been silent for a few of them.
const PAUSE_MILLISECONDS = 60_000

/** What a worker says of itself, apart from the time. */
export type WorkerState = Omit<WorkerSign, 'version' | 'at'>

/** Writes a worker's sign of life for each of its systems, every minute until the signal is aborted, and once more then. */
export async function showSignsOfLife(
  { id, clients, settings, say }: Machine,
  state: () => WorkerState,
  until: AbortSignal,
): Promise<void> {
  const write = async (system: System, sign: WorkerSign): Promise<void> => {
    const put = new PutObjectCommand({
      Bucket: settings.stateBucket,
      Key: stateKeys.workerSign(system, id),
      Body: JSON.stringify(sign),
      ContentType: 'application/json',
    })
    try {
      await clients.s3.send(put)
    } catch (error) {
      const { name, message } = describeError(error)
      say(`no sign of life: ${name}: ${message}`)
    }
  }
  const show = async (): Promise<void> => {
    const sign: WorkerSign = { version: 1, at: new Date().toISOString(), ...state() }
    await Promise.all(sign.systems.map(async (system) => write(system, sign)))
  }
  for (;;) {
    await show()
    if (until.aborted) return
    await sleep(PAUSE_MILLISECONDS, undefined, { signal: until }).catch(() => undefined)
  }
}
