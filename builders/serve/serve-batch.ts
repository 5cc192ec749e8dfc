import { stagingPrefixOfBatch } from '../../functions/shared/keys.ts'
import { describeError } from '../../functions/shared/errors.ts'
import { build } from '../build.ts'
import { s3Until } from '../machine/aws-clients.ts'
import { asDiskFull } from '../machine/disk-full.ts'
import { readBuildJob } from '../machine/job.ts'
import { cleanEnvironment } from '../machine/nix-command.ts'
import { NobodyWaits } from '../machine/errors.ts'
import { stoppedBy } from '../machine/processes.ts'
import { makeWorkFolder } from '../machine/work-folder.ts'
import { startHeartbeat } from './heartbeat.ts'
import type { Machine } from './machine.ts'
import { fail, succeed } from './task.ts'

/** One batch that somebody waits for. */
export interface BatchTask {
  token: string
  /** key of its BuildJob in the state bucket */
  job: string
}

/**
 * Builds a batch and tells the task how it went. Whatever goes wrong with the batch is the task's answer; of the batch nothing is left afterwards but what is in the
 * store and in staging.
 * @param stopMachine aborted with BuilderStopped: what is built by then is staged
 * @returns what went wrong, or undefined
 */
export async function serveBatch(
  { token, job }: BatchTask,
  machine: Machine,
  stopMachine: AbortSignal,
): Promise<Error | undefined> {
  const { clients, say } = machine
  const { sfn } = clients
  const heartbeat = startHeartbeat(sfn, token, machine.settings.heartbeatSeconds, say)
  try {
    await heartbeat.first
    await buildBatch(job, machine, stopMachine, heartbeat.lost)
    if (!(await succeed(sfn, token, { machine: machine.id }))) say('nobody waits for this batch any more')
    return undefined
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    const { name, message } = describeError(error)
    say(`${name}: ${message}`)
    if (!(error instanceof NobodyWaits)) await fail(sfn, token, error)
    return error
  } finally {
    heartbeat.stop()
  }
}

async function buildBatch(
  key: string,
  { id, clients, settings, memories, buildsAtOnce, say, refusal }: Machine,
  stopMachine: AbortSignal,
  lost: AbortSignal,
): Promise<void> {
  if (refusal !== undefined) throw refusal
  // Nothing of a batch outlives it: no process, and no upload that nobody waits for.
  const over = new AbortController()
  const given = AbortSignal.any([lost, over.signal])
  const stop = AbortSignal.any([stopMachine])
  const folder = makeWorkFolder()
  try {
    given.throwIfAborted()
    stop.throwIfAborted()
    const s3 = s3Until(given, clients)
    const job = await readBuildJob({ s3, bucket: settings.stateBucket, key })
    const staging = {
      s3,
      bucket: settings.stagingBucket,
      prefix: stagingPrefixOfBatch(id, job.run, job.batch),
    }
    const environment = cleanEnvironment(folder.home, process.env)
    const memory = memories.of(job.run)
    const tools = { s3, staging, folder, environment, memory, buildsAtOnce, stop }
    const workshop = { ...settings, ...tools, say: unless(given, say) }
    await stoppedBy(given, async () => build(job, workshop))
  } catch (error) {
    // What breaks because it is broken off says nothing else.
    if (lost.aborted) throw lost.reason
    if (stop.aborted) throw stop.reason
    throw asDiskFull(error)
  } finally {
    over.abort(new NobodyWaits('the batch is over'))
    folder.remove()
  }
}

function unless(signal: AbortSignal, say: (line: string) => void): (line: string) => void {
  return (line) => {
    if (!signal.aborted) say(line)
  }
}
