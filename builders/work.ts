import { availableParallelism } from 'node:os'
import { describeError } from '../functions/shared/errors.ts'
import { Hand } from './batch/hand.ts'
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
import { serveTurn } from './serve/serve-turn.ts'
import { fail, succeed } from './serve/task.ts'

/**
 * Work: serves turn after turn on a machine of its own, which it may leave in any state; between two of them it builds on. Ends when it is told that there is no more, when no job came for a
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
  let hand = new Hand(machine, stop)
  try {
    for (let turn = 1; ; turn++) {
      const job = await nextJob(machine, turn, stop, () => hand.isEmpty)
      if (job === undefined) {
        if (stop.aborted) await answerStopped(hand, machine, turn)
        else say(`no job came for ${settings.idleSeconds} s: this machine is done`)
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
      const error = await serveTurn(job, hand, machine, 'early')
      if (error instanceof DiskFull) throw error
      if (refusal.refusal !== undefined || stop.aborted) break
      if (hand.isEmpty) cleanUpAfterBuilds()
      if (hand.isOver) hand = new Hand(machine, stop)
    }
  } finally {
    await hand.close()
  }
  if (refusal.refusal !== undefined) throw refusal.refusal
}

// 5 s: two looks for a turn that comes while a machine ends.
const LAST_LOOK_SECONDS = 5

/** A machine that is stopped while it owes no answer stages what is built, and tells the next turn, if there is one by then. */
async function answerStopped(hand: Hand, machine: Machine, turn: number): Promise<void> {
  if (!hand.isOver) return
  const error = await hand.ended
  const settings = { ...machine.settings, idleSeconds: LAST_LOOK_SECONDS }
  const never = new AbortController().signal
  const job = await nextJob({ ...machine, settings }, turn, never, () => true)
  if (error !== undefined && job !== undefined && 'token' in job)
    await fail(machine.clients.sfn, job.token, error)
}

/** Says that this machine is there, or why nothing may be built on it. */
async function answerHello(token: string, { id, clients: { sfn }, refusal }: Machine): Promise<void> {
  if (refusal === undefined) await succeed(sfn, token, { machine: id, isDone: true, building: [] })
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
