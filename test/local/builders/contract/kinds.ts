import { BatchGetBuildsCommand, StartBuildCommand } from '@aws-sdk/client-codebuild'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { machineOfBuild } from '../../../../functions/shared/keys.ts'
import type { MachineId } from '../../../../functions/shared/contract.ts'
import type { DemoMachine } from '../../../../local/demo/machine.ts'
import { processesWith } from '../../../../local/process/process-tree.ts'
import type { BatchShape, ContractWorld, Handed } from './world.ts'

/** A builder at work, of any kind. */
export interface RunningBuilder {
  id: MachineId
  /** what it has printed */
  lines: () => string[]
  /** Gives it a batch, as the pipeline does for its kind. @param heartbeat seconds after which it is missed */
  hand: (names: string[], heartbeat?: number) => Promise<Handed>
  /** asks it to end, as a machine that goes away is asked */
  terminate: () => void
  /** ends it like a power failure */
  kill: () => Promise<void>
  /** resolves when it has ended, with whether it calls that a success */
  ended: () => Promise<boolean>
}

export interface BuilderKind {
  name: string
  start: (world: ContractWorld, machine: DemoMachine) => Promise<RunningBuilder>
}

// 1 s instead of 30: a test waits for what is missed.
const HEARTBEAT_SECONDS = '1'

/** A builder that is given more while it builds. */
export interface RollingMachine extends RunningBuilder {
  give: (names: string[], shape?: BatchShape) => Promise<Handed>
  /** a turn that brings nothing new */
  goOn: () => Promise<Pick<Handed, 'executionArn' | 'ended'>>
}

/** A build of CodeBuild: the packaged project, with its buildspec, its bundle and its role. */
export const codeBuildMachine: BuilderKind = {
  name: 'a machine of CodeBuild',
  // longer than any of the tests that wait for the end of a batch
  start: async (world, machine) => startCodeBuildMachine(world, machine, '60'),
}

/** @param turnSeconds HEARTH_TURN_SECONDS */
export async function startCodeBuildMachine(
  world: ContractWorld,
  machine: DemoMachine,
  turnSeconds: string,
): Promise<RollingMachine> {
  world.machine = machine
  const environmentVariablesOverride = [
    { name: 'HEARTH_HEARTBEAT_SECONDS', value: HEARTBEAT_SECONDS },
    { name: 'HEARTH_IDLE_SECONDS', value: '20' },
    { name: 'HEARTH_TURN_SECONDS', value: turnSeconds },
  ]
  const projectName = world.stack.physicalId('LinuxX64Builder')
  const { build } = await world.codebuild.send(
    new StartBuildCommand({ projectName, environmentVariablesOverride }),
  )
  const buildId = build?.id ?? ''
  const id = machineOfBuild(world.stack.attribute('BuilderRole', 'RoleId'), buildId)
  let turn = 0
  const give = async (names: string[], shape?: BatchShape, heartbeat = 60): Promise<Handed> => {
    const { job, jobKey } = await world.writeJob(names, shape)
    const handed = await world.takeToken(heartbeat, job)
    await world.giveTurn(id, ++turn, { token: handed.token, job: jobKey })
    return handed
  }
  return {
    id,
    lines: () => world.buildLines(buildId),
    hand: async (names, heartbeat) => give(names, {}, heartbeat),
    give: async (names, shape) => give(names, shape),
    async goOn() {
      const { job } = await world.writeJob([])
      const handed = await world.takeToken(60, job)
      await world.giveTurn(id, ++turn, { token: handed.token, goOn: true })
      return handed
    },
    terminate: () => signalBuilder(`CODEBUILD_BUILD_ID=${buildId}`),
    kill: async () => world.stack.killBuild(buildId),
    async ended() {
      for (;;) {
        const { builds } = await world.codebuild.send(new BatchGetBuildsCommand({ ids: [buildId] }))
        if (builds?.[0]?.buildComplete === true) return builds[0].buildStatus === 'SUCCEEDED'
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    },
  }
}

/** The command of a Mac worker, with the role and an activity of the packaged template. @param flags more arguments */
export function worker(flags: string[]): BuilderKind {
  return {
    name: 'a worker',
    async start(world, machine) {
      const marker = `HEARTH_TEST_WORKER=${randomUUID()}`
      const session = `mac-${randomUUID()}`
      const activity = world.stack.physicalId('Aarch64DarwinActivity')
      const child = startWorker(world, machine, session, marker, [`aarch64-darwin=${activity}`, ...flags])
      const lines: string[] = []
      createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
      createInterface({ input: child.stderr }).on('line', (line) => lines.push(line))
      const ended = new Promise<boolean>((resolve) => child.once('close', (status) => resolve(status === 0)))
      return {
        id: `${world.stack.attribute('WorkerRole', 'RoleId')}:${session}`,
        lines: () => lines,
        async hand(names, heartbeat = 60) {
          const { job, jobKey } = await world.writeJob(names)
          return world.startTask(activity, { run: job.run, job: jobKey }, heartbeat, job)
        },
        terminate: () => signalBuilder(marker),
        async kill() {
          // The first process of its namespace goes with this one, and all others with that.
          child.kill('SIGKILL')
          await ended
        },
        ended: async () => ended,
      }
    },
  }
}

function startWorker(
  world: ContractWorld,
  machine: DemoMachine,
  session: string,
  marker: string,
  flags: string[],
): ChildProcessByStdio<null, Readable, Readable> {
  const command = [process.execPath, world.builder, 'worker', '--activity', ...flags]
  const [program = '', ...args] = machine.wrap(command)
  const [name = '', value = ''] = marker.split('=')
  return spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: machine.folder,
      ...world.stack.environmentFor('WorkerRole', session),
      AWS_ENDPOINT_URL: world.network.url,
      HEARTH_STATE_BUCKET: world.stack.physicalId('StateBucket'),
      HEARTH_STAGING_BUCKET: world.stack.physicalId('StagingBucket'),
      HEARTH_CACHE_BUCKET: world.stack.physicalId('CacheBucket'),
      HEARTH_HEARTBEAT_SECONDS: HEARTBEAT_SECONDS,
      [name]: value,
    },
  })
}

/** Sends SIGTERM to the builder itself, and to nothing around it. */
function signalBuilder(marker: string): void {
  const builders = processesWith(marker).filter((pid) =>
    /^[^\0]*node\0[^\0]*builder\.mjs\0work/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')),
  )
  if (builders.length === 0) throw new Error('there is no builder to be stopped')
  for (const pid of builders) process.kill(pid, 'SIGTERM')
}
