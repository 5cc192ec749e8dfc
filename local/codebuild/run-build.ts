import { mkdirSync, rmSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { credentialEnvironment } from '../gateway/credentials.ts'
import { REGION } from '../gateway/service.ts'
import {
  completeBuild,
  endPhase,
  enterPhase,
  secondsNow,
  type BuildRecord,
  type PhaseContext,
  type PhaseStatus,
} from './build-record.ts'
import type { ScriptEvent } from './build-script.ts'
import { downloadSource, readBuildspec, resolveVariables, type RoleAccess } from './build-source.ts'
import type { MachineQueue, Place } from './machine-queue.ts'
import type { Machine } from './project.ts'
import { runCommands } from './run-commands.ts'

/** Why a build ends before its commands do: with what status, and in whose words. */
export class BuildInterrupted extends Error {
  override name = 'BuildInterrupted'
  readonly status: 'STOPPED' | 'TIMED_OUT'
  constructor(status: 'STOPPED' | 'TIMED_OUT', message: string) {
    super(message)
    this.status = status
  }
}

export interface BuildRun {
  build: BuildRecord
  /** any of which will do */
  machines: Machine[]
  queue: MachineQueue
  /** the build's own folder; emptied when it ends */
  folder: string
  access: RoleAccess
  /** aborts with a BuildInterrupted */
  interruption: AbortController
  /** after every change of the record */
  onChange: () => void
  onLines: (lines: string[]) => void
  onStart: (pid: number) => void
}

/** Takes a build through all its phases. Never throws: what went wrong is in the record. */
export async function runBuild(run: BuildRun): Promise<void> {
  const { build, folder, interruption, onChange } = run
  let place: Place | undefined
  let timer = interruptAfter(interruption, build.queuedTimeoutInMinutes, 'Build timed out while queued.')
  try {
    enter(run, 'QUEUED')
    place = await run.queue.take(run.machines, interruption.signal)
    clearTimeout(timer)
    timer = interruptAfter(interruption, build.timeoutInMinutes, 'Build timed out.')
    enter(run, 'PROVISIONING')
    const failed = await work(run, place.machine)
    enter(run, 'FINALIZING')
    endPhase(build, 'SUCCEEDED', secondsNow())
    completeBuild(build, failed ? 'FAILED' : 'SUCCEEDED', secondsNow())
  } catch (error) {
    const { status, context } = describe(error, build.currentPhase)
    run.onLines([`[Container] Phase ${build.currentPhase}: ${status}: ${context.message}`])
    endPhase(build, status, secondsNow(), context)
    completeBuild(build, status, secondsNow())
  } finally {
    clearTimeout(timer)
    rmSync(folder, { recursive: true, force: true })
    place?.release()
    onChange()
  }
}

/** @returns whether a command failed */
async function work(run: BuildRun, machine: Machine): Promise<boolean> {
  const { build, folder, access } = run
  const source = join(folder, 'src')
  for (const directory of [source, join(folder, 'home'), join(folder, 'tmp')])
    mkdirSync(directory, { recursive: true })
  enter(run, 'DOWNLOAD_SOURCE')
  await downloadSource(build.source, source, access)
  const buildspec = readBuildspec(build.source.buildspec, source)
  const variables = await resolveVariables(build, buildspec, access)
  const environment = { ...baseEnvironment(run, source), ...variables, ...ownVariables(build, access) }
  let failed = false
  await runCommands({
    ...run,
    machine,
    buildspec,
    directory: source,
    environment,
    marker: `CODEBUILD_BUILD_ID=${build.id}`,
    signal: run.interruption.signal,
    onEvent: (event) => {
      failed = follow(run, event) || failed
    },
  })
  return failed
}

/** Brings the record and the log up to what the shell says. @returns whether a phase failed */
function follow(run: BuildRun, event: ScriptEvent): boolean {
  if (event.kind === 'finished') return false
  if (event.kind === 'phase-started') enter(run, event.phase)
  if (event.kind === 'command') run.onLines([`[Container] Running command ${event.command}`])
  if (event.kind !== 'phase-ended') return false
  const context = {
    statusCode: 'COMMAND_EXECUTION_ERROR',
    message: `Error while executing command. Reason: exit status ${event.status}`,
  }
  endPhase(
    run.build,
    event.status === 0 ? 'SUCCEEDED' : 'FAILED',
    secondsNow(),
    event.status === 0 ? undefined : context,
  )
  run.onLines([
    `[Container] Phase complete: ${event.phase} State: ${event.status === 0 ? 'SUCCEEDED' : 'FAILED'}`,
  ])
  run.onChange()
  return event.status !== 0
}

function enter(run: BuildRun, phase: string): void {
  enterPhase(run.build, phase, secondsNow())
  run.onLines([`[Container] Entering phase ${phase}`])
  run.onChange()
}

function describe(error: unknown, phase: string): { status: PhaseStatus; context: PhaseContext } {
  const thrown = error instanceof Error ? error : new Error(String(error))
  if (thrown instanceof BuildInterrupted)
    return { status: thrown.status, context: { statusCode: thrown.status, message: thrown.message } }
  const statusCode = phase === 'DOWNLOAD_SOURCE' ? 'CLIENT_ERROR' : thrown.name
  return { status: 'FAILED', context: { statusCode, message: `${thrown.name}: ${thrown.message}` } }
}

function interruptAfter(interruption: AbortController, minutes: number, message: string): NodeJS.Timeout {
  return setTimeout(() => interruption.abort(new BuildInterrupted('TIMED_OUT', message)), minutes * 60_000)
}

/** Nothing of this machine's environment but what every command needs: a build container knows nothing of who runs the stack. */
function baseEnvironment({ folder, build }: BuildRun, source: string): Record<string, string> {
  return {
    // The running node first: the builder's bundle needs at least Node 22.15, which the machine's own may not be.
    PATH: `${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: join(folder, 'home'),
    TMPDIR: join(folder, 'tmp'),
    USER: userInfo().username,
    SHELL: '/bin/bash',
    LANG: 'C.UTF-8',
    CI: 'true',
    CODEBUILD_CI: 'true',
    CODEBUILD_SRC_DIR: source,
    CODEBUILD_BUILD_SUCCEEDING: '1',
    CODEBUILD_BUILD_IMAGE: build.environment.image,
  }
}

/** Nobody may override these. Source: CodeBuild user guide, "Environment variables in build environments". */
function ownVariables(build: BuildRecord, { credentials, endpoint }: RoleAccess): Record<string, string> {
  return {
    ...credentialEnvironment(credentials, endpoint, REGION),
    CODEBUILD_BUILD_ID: build.id,
    CODEBUILD_BUILD_ARN: build.arn,
    CODEBUILD_BUILD_NUMBER: String(build.buildNumber),
    CODEBUILD_INITIATOR: build.initiator,
    CODEBUILD_LOG_PATH: build.logs.streamName,
    CODEBUILD_START_TIME: String(Math.round(build.startTime * 1000)),
  }
}
