import { SFNServiceException } from '@aws-sdk/client-sfn'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { System } from '../functions/shared/contract.ts'
import { describeError } from '../functions/shared/errors.ts'
import { Hand } from './batch/hand.ts'
import { RunMemories } from './batch/run-memory.ts'
import type { AwsClients } from './machine/aws-clients.ts'
import { DiskFull, MissingSetting } from './machine/errors.ts'
import { cleanEnvironment } from './machine/nix-command.ts'
import { proveSandbox } from './machine/self-test.ts'
import type { Settings } from './machine/settings.ts'
import { whoAmI } from './machine/staging.ts'
import { makeWorkFolder } from './machine/work-folder.ts'
import type { Machine } from './serve/machine.ts'
import { systemFeatures } from './serve/nix-features.ts'
import { pollActivity } from './serve/poll.ts'
import { serveTurn, type TurnTask } from './serve/serve-turn.ts'
import { showSignsOfLife } from './serve/sign-of-life.ts'

/** What a worker serves. */
export interface WorkerPlan {
  /** ARN of the activity that it polls for each system */
  activities: Map<System, string>
  /** batches at once, of each system */
  jobs: number
}

/** How a worker is ended. */
export interface WorkerEnd {
  /** takes no more batches, and finishes those that it has */
  finish: AbortSignal
  /** aborted with BuilderStopped: hands back those that it has; what is built by then is staged */
  handBack: AbortSignal
}

/**
 * Worker: serves batch after batch on a machine that is there anyway, such as a Mac. It polls, so it needs no way in from outside. Ends when it is told to.
 * @throws MachineLeaks when nothing may be built here; DiskFull when nothing can be, after the other batches that it has
 */
export async function worker(
  clients: AwsClients,
  settings: Settings,
  { activities, jobs }: WorkerPlan,
  say: (line: string) => void,
  { finish, handBack }: WorkerEnd,
): Promise<void> {
  const id = await whoAmI(clients.sts)
  checkIdentity(id)
  const features = await tryMachine(settings, say)
  const systems = [...activities.keys()]
  const slots = jobs * systems.length
  const buildsAtOnce = Math.max(1, Math.floor(availableParallelism() / slots))
  const machine: Machine = { id, clients, settings, memories: new RunMemories(), buildsAtOnce, say }

  const broken = new AbortController()
  const over = new AbortController()
  const noMore = AbortSignal.any([finish, broken.signal])
  let busy = 0
  const state = () => ({ systems, features, jobs: noMore.aborted ? 0 : jobs, busy })
  const signs = showSignsOfLife(machine, state, over.signal)
  const serve = async (task: TurnTask): Promise<void> => {
    busy++
    const hand = new Hand(machine, handBack)
    try {
      const error = await serveTurn(task, hand, machine, 'last')
      if (error instanceof DiskFull) broken.abort(error)
    } finally {
      await hand.close()
      busy--
    }
  }
  say(`worker ${id} waits for batches for ${systems.join(' and ')}, ${jobs} at once`)
  const pollers = [...activities.values()].flatMap((activity) =>
    Array.from({ length: jobs }, async () => pollOn(machine, activity, noMore, serve)),
  )
  // One that cannot poll at all ends the others, too, once their batches are done.
  for (const poller of pollers) poller.catch((error: unknown) => broken.abort(error))
  await Promise.allSettled(pollers)
  over.abort()
  await signs
  if (broken.signal.aborted) throw broken.signal.reason
}

// 10 s, after the client itself has tried for minutes.
const PAUSE_MILLISECONDS = 10_000

async function pollOn(
  machine: Machine,
  activity: string,
  noMore: AbortSignal,
  serve: (task: TurnTask) => Promise<void>,
): Promise<void> {
  while (!noMore.aborted) {
    try {
      const task = await pollActivity(machine, activity, noMore)
      if (task !== undefined) await serve(task)
    } catch (error) {
      // No such activity, or no right to poll it: that does not pass.
      if (error instanceof SFNServiceException && error.$fault === 'client') throw error
      const { name, message } = describeError(error)
      machine.say(`${name}: ${message}`)
      await sleep(PAUSE_MILLISECONDS, undefined, { signal: noMore }).catch(() => undefined)
    }
  }
}

/** Only a role session has a prefix of its own in staging. */
function checkIdentity(id: string): void {
  if (/^AROA\w*:./.test(id)) return
  throw new MissingSetting(
    `the worker is signed in as ${id}, which is no role session: let it assume the deployment's WorkerRole, with a role_session_name of its own (docs/builders.md)`,
  )
}

/** @returns the features that Nix has here, once it is proved that builds are shut in */
async function tryMachine({ sandbox }: Settings, say: (line: string) => void): Promise<string[]> {
  const folder = makeWorkFolder()
  try {
    const environment = cleanEnvironment(folder.home, process.env)
    await proveSandbox({ environment, sandbox, folder: folder.path, say })
    return await systemFeatures(environment)
  } finally {
    folder.remove()
  }
}
