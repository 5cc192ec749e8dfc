import { availableParallelism } from 'node:os'
import { describeError } from '../functions/shared/errors.ts'
import { RunMemories } from './batch/run-memory.ts'
import type { AwsClients } from './machine/aws-clients.ts'
import { DiskFull } from './machine/errors.ts'
import { cleanEnvironment } from './machine/nix-command.ts'
import { proveSandbox } from './machine/self-test.ts'
import type { Settings } from './machine/settings.ts'
import { whoAmI } from './machine/staging.ts'
import { makeWorkFolder } from './machine/work-folder.ts'
import { cleanUpAfterBuilds } from './serve/clean-up.ts'
import type { Machine } from './serve/machine.ts'
import { nextJob } from './serve/next-job.ts'
import { serveBatch } from './serve/serve-batch.ts'
import { fail, succeed } from './serve/task.ts'

/**
 * Work: serves batch after batch on a machine of its own, which it may leave in any state. Ends when it is told that there is no more, when no job came for a
 * while, or when it is stopped.
 * @param stop aborted with BuilderStopped
 * @throws MachineLeaks when nothing may be built here, which the first batch is told too; DiskFull when nothing can be
 */
export async function work(
  clients: AwsClients,
  settings: Settings,
  say: (line: string) => void,
  stop: AbortSignal,
): Promise<void> {
  const id = await whoAmI(clients.sts)
  const refusal = await tryMachine(settings, say)
  const buildsAtOnce = availableParallelism()
  const machine = { id, clients, settings, memories: new RunMemories(), buildsAtOnce, say, ...refusal }
  say(`machine ${id} waits for its first job`)
  for (let turn = 1; ; turn++) {
    const job = await nextJob(machine, turn, stop)
    if (job === undefined) {
      if (!stop.aborted) say(`no job came for ${settings.idleSeconds} s: this machine is done`)
      break
    }
    if ('end' in job) {
      say('there is no more to build here')
      break
    }
    if ('hello' in job) {
      await answerHello(job.token, machine)
      if (refusal.refusal !== undefined) break
      continue
    }
    const error = await serveBatch(job, machine, stop)
    if (error instanceof DiskFull) throw error
    if (refusal.refusal !== undefined || stop.aborted) break
    cleanUpAfterBuilds()
  }
  if (refusal.refusal !== undefined) throw refusal.refusal
}

/** Says that this machine is there, or why nothing may be built on it. */
async function answerHello(token: string, { id, clients: { sfn }, refusal }: Machine): Promise<void> {
  if (refusal === undefined) await succeed(sfn, token, { machine: id })
  else await fail(sfn, token, refusal)
}

/** The self-test, once for a machine. What it says against this machine is its first answer: whoever waits for that learns why. */
async function tryMachine(
  { sandbox }: Settings,
  say: (line: string) => void,
): Promise<Pick<Machine, 'refusal'>> {
  const folder = makeWorkFolder()
  try {
    const environment = cleanEnvironment(folder.home, process.env)
    await proveSandbox({ environment, sandbox, folder: folder.path, say })
    return {}
  } catch (error) {
    const { name, message } = describeError(error)
    say(`${name}: ${message}`)
    return { refusal: error instanceof Error ? error : new Error(String(error)) }
  } finally {
    folder.remove()
  }
}
