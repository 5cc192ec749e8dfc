import { S3Client, GetObjectCommand } from '@aws-sdk/client-s3'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { RunMemories } from '../../../builders/batch/run-memory.ts'
import { patience, s3Until } from '../../../builders/machine/aws-clients.ts'
import { asDiskFull } from '../../../builders/machine/disk-full.ts'
import { BuilderStopped } from '../../../builders/machine/errors.ts'
import { runProcess, stoppedBy } from '../../../builders/machine/processes.ts'
import { buildUserIds } from '../../../builders/serve/clean-up.ts'
import { featuresOf } from '../../../builders/serve/nix-features.ts'

describe('requests that fail on their way', () => {
  test('are repeated for longer than a minute, however unlucky the jitter is', async () => {
    let token = await patience.acquireInitialRetryToken('')
    let least = 0
    for (;;) {
      try {
        token = await patience.refreshRetryTokenForRetry(token, { errorType: 'TRANSIENT' })
      } catch {
        break
      }
      least += token.getRetryDelay()
    }
    expect(least).toBeGreaterThan(60_000)
    expect(least).toBeLessThan(5 * 60_000)
  })

  test('what is refused for good is not', async () => {
    const token = await patience.acquireInitialRetryToken('')
    const refused = patience.refreshRetryTokenForRetry(token, { errorType: 'CLIENT_ERROR' })
    await expect(refused).rejects.toThrow('not tried again')
  })
})

test('a client of a batch that is given up refuses everything, and lets go of what it waits for', async () => {
  const given = new AbortController()
  const s3 = new S3Client({
    region: 'us-east-1',
    endpoint: 'http://127.0.0.1:9',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    retryStrategy: patience,
  })
  const client = s3Until(given.signal, { s3 })
  const asked = client.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' }))
  const reason = new BuilderStopped('given up')
  given.abort(reason)
  await expect(asked).rejects.toBe(reason)
  await expect(client.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' }))).rejects.toBe(reason)
})

describe('what stops the processes of a part of the work', () => {
  const environment = { PATH: process.env['PATH'] ?? '' }

  test('stops those that it has started, however deep below, and starts no more', async () => {
    const stop = new AbortController()
    const reason = new BuilderStopped('stopped')
    const deep = async (): Promise<unknown> => {
      await sleep(1)
      const first = runProcess('sleep', ['1000'], { environment })
      stop.abort(reason)
      const { signal } = await first
      await expect(runProcess('true', [], { environment })).rejects.toBe(reason)
      return signal
    }
    expect(await stoppedBy(stop.signal, deep)).toBe('SIGTERM')
  })

  test('stops nothing else', async () => {
    const stop = new AbortController()
    const other = runProcess('sleep', ['0.2'], { environment })
    await stoppedBy(stop.signal, async () => stop.abort())
    expect(await other).toMatchObject({ status: 0, signal: null })
  })

  test('of the whole stops those of a part', async () => {
    const whole = new AbortController()
    const part = new AbortController()
    const inner = async (): Promise<unknown> => {
      const process = runProcess('sleep', ['1000'], { environment })
      whole.abort(new BuilderStopped('stopped'))
      return process
    }
    const ended = stoppedBy(whole.signal, async () => stoppedBy(part.signal, inner))
    expect(await ended).toMatchObject({ signal: 'SIGTERM' })
  })
})

test('a machine remembers the runs that it served last, and no more than eight', () => {
  const memories = new RunMemories()
  const first = memories.of('run-0')
  for (let run = 1; run <= 7; run++) memories.of(`run-${run}`)
  expect(memories.of('run-0')).toBe(first)
  memories.of('run-8')
  expect(memories.of('run-0')).toBe(first)
  const second = memories.of('run-2')
  for (let run = 10; run <= 17; run++) memories.of(`run-${run}`)
  expect(memories.of('run-2')).not.toBe(second)
})

test.each([
  ['ENOSPC: no space left on device, write', 'DiskFull'],
  ['nix-store --import ended with status 1: writing to file: No space left on device', 'DiskFull'],
  ['EDQUOT: disk quota exceeded, open', 'DiskFull'],
  ['builder failed with exit code 1', 'Error'],
])('%s is %s', (message, name) => {
  expect(asDiskFull(new Error(message))).toMatchObject({ name, message })
})

test('the users that Nix builds as are the members of nixbld', () => {
  const group = 'root:x:0:\nnixbld:x:30000:nixbld1,nixbld2\nusers:x:100:ada,nixbld9\n'
  const passwd =
    'root:x:0:0::/root:/bin/sh\nnixbld1:x:30001:30000::/var/empty:\nnixbld2:x:30002:30000::/:\nada:x:1000:100::/:\n'
  expect([...buildUserIds(group, passwd)]).toEqual([30_001, 30_002])
  expect([...buildUserIds('root:x:0:\n', passwd)]).toEqual([])
})

test('the features of a Nix are those of its configuration', () => {
  const config = {
    'system-features': { value: ['kvm', 'big-parallel'], defaultValue: [] },
    cores: { value: 0 },
  }
  expect(featuresOf(config)).toEqual(['big-parallel', 'kvm'])
  expect(() => featuresOf({})).toThrow('names no system-features')
})
