import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import type { RunId, WaveSchedule } from './contract.ts'
import { stateKeys } from './keys.ts'
import { type Bucket, findObject, ObjectNotFound } from './objects.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

// 20,000 derivations have 10 MB of schedule.
const LIMITS = { compressed: 64 * 1024 ** 2, text: 512 * 1024 ** 2 }

export async function writeSchedule(state: Bucket, schedule: WaveSchedule): Promise<void> {
  const Body = await compress(Buffer.from(JSON.stringify(schedule)))
  const Key = stateKeys.schedule(schedule.run, schedule.wave)
  await state.s3.send(
    new PutObjectCommand({ Bucket: state.name, Key, Body, ContentType: 'application/zstd' }),
  )
}

// Lanes ask again and again for the same one, which never changes.
let last: { key: string; schedule: WaveSchedule } | undefined

/** @throws ObjectNotFound when the wave has none */
export async function readSchedule(state: Bucket, run: RunId, wave: number): Promise<WaveSchedule> {
  const key = stateKeys.schedule(run, wave)
  if (last?.key === key) return last.schedule
  const found = await findObject(state, key, LIMITS.compressed)
  if (found === undefined) throw new ObjectNotFound(state, key)
  const text = await decompress(found.bytes, { maxOutputLength: LIMITS.text })
  const schedule = JSON.parse(text.toString('utf8')) as WaveSchedule
  last = { key, schedule }
  return schedule
}
