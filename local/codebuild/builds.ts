import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Credentials } from '../gateway/credentials.ts'
import { ACCOUNT, REGION } from '../gateway/service.ts'
import type { LogStore } from '../logs/log-store.ts'
import { killTree, processesWith } from '../process/process-tree.ts'
import { completeBuild, endPhase, enterPhase, secondsNow, type BuildRecord } from './build-record.ts'
import { createMachineQueue } from './machine-queue.ts'
import { buildArn, buildLogGroup, type Project } from './project.ts'
import { BuildInterrupted, runBuild } from './run-build.ts'

export type BuildEvent =
  | { kind: 'build'; build: BuildRecord }
  | { kind: 'build-log'; buildId: string; project: string; lines: string[] }

/** What one build has that its project has not, or otherwise. */
export type BuildOverrides = Partial<
  Pick<BuildRecord, 'source' | 'environment' | 'timeoutInMinutes' | 'queuedTimeoutInMinutes'>
>

export interface Builds {
  define(project: Project): void
  project(name: string): Project | undefined
  find(id: string): BuildRecord | undefined
  /** newest first */
  idsOf(project: string): string[]
  active(project: string): number
  start(project: Project, initiator: string, overrides: BuildOverrides): BuildRecord
  /** Ends a build as STOPPED; resolves when nothing of it is left. */
  stop(id: string): Promise<void>
  /** Kills a build as a lost machine would: nothing of it can say or clean up anything. Resolves when its record has ended. */
  kill(id: string): Promise<void>
  /** Stops every build; resolves when no process is left. */
  close(): Promise<void>
}

export interface BuildsOptions {
  /** `<folder>/<project>/<uuid>.json` are the records */
  folder: string
  endpoint: string
  logs: LogStore
  /** credentials of the project's service role, for the session `AWSCodeBuild-<uuid>` */
  credentialsFor: (role: string, session: string) => Credentials
  onEvent?: (event: BuildEvent) => void
}

interface RunningBuild {
  interruption: AbortController
  pid?: number
  ended: Promise<void>
}

export function createBuilds({ folder, endpoint, logs, credentialsFor, onEvent }: BuildsOptions): Builds {
  const projects = new Map<string, Project>()
  const queue = createMachineQueue()
  const running = new Map<string, RunningBuild>()
  const records = readRecords(folder)
  for (const build of records.values()) if (!build.buildComplete) endLostBuild(folder, build)

  const start: Builds['start'] = (project, initiator, overrides) => {
    const uuid = randomUUID()
    const number = Math.max(
      0,
      ...[...records.values()]
        .filter(({ projectName }) => projectName === project.name)
        .map((build) => build.buildNumber),
    )
    const build = newBuild(project, uuid, number + 1, initiator, overrides)
    records.set(build.id, build)
    const run: RunningBuild = { interruption: new AbortController(), ended: Promise.resolve() }
    running.set(build.id, run)
    const onLines = (lines: string[]): void => {
      logs.append(build.logs.groupName, build.logs.streamName, lines)
      onEvent?.({ kind: 'build-log', buildId: build.id, project: project.name, lines })
    }
    const onChange = (): void => {
      writeRecord(folder, build)
      onEvent?.({ kind: 'build', build: structuredClone(build) })
    }
    const execute = async (): Promise<void> => {
      await runBuild({
        build,
        queue,
        onLines,
        onChange,
        machines: project.machines,
        folder: join(folder, project.name, uuid),
        access: { credentials: credentialsFor(project.role, `AWSCodeBuild-${uuid}`), endpoint },
        interruption: run.interruption,
        onStart: (pid) => {
          run.pid = pid
        },
      })
      running.delete(build.id)
    }
    enterPhase(build, 'SUBMITTED', secondsNow())
    writeRecord(folder, build)
    run.ended = execute()
    return build
  }

  const stop = async (id: string): Promise<void> => {
    const run = running.get(id)
    run?.interruption.abort(new BuildInterrupted('STOPPED', 'Build stopped by user'))
    await run?.ended
  }

  return {
    start,
    stop,
    define: (project) => void projects.set(project.name, project),
    project: (name) => projects.get(name),
    find: (id) => records.get(id),
    idsOf: (project) =>
      [...records.values()]
        .filter(({ projectName }) => projectName === project)
        .sort((left, right) => right.startTime - left.startTime)
        .map(({ id }) => id),
    active: (project) => [...running.keys()].filter((id) => records.get(id)?.projectName === project).length,
    async kill(id) {
      const run = running.get(id)
      if (run?.pid === undefined) throw new Error(`build ${id} runs on no machine at the moment`)
      killTree(run.pid, `CODEBUILD_BUILD_ID=${id}`)
      await run.ended
    },
    async close() {
      await Promise.all([...running.keys()].map(stop))
    },
  }
}

function newBuild(
  project: Project,
  uuid: string,
  buildNumber: number,
  initiator: string,
  overrides: BuildOverrides,
): BuildRecord {
  const id = `${project.name}:${uuid}`
  const groupName = project.logGroup ?? buildLogGroup(project.name)
  // The names of streams hold slashes on AWS only where a prefix is configured.
  const streamName = uuid
  return {
    id,
    arn: buildArn(id),
    buildNumber,
    projectName: project.name,
    startTime: secondsNow(),
    currentPhase: 'SUBMITTED',
    buildStatus: 'IN_PROGRESS',
    buildComplete: false,
    initiator,
    serviceRole: project.serviceRoleArn,
    phases: [],
    source: project.source,
    artifacts: { location: '' },
    environment: project.environment,
    timeoutInMinutes: project.timeoutInMinutes,
    queuedTimeoutInMinutes: project.queuedTimeoutInMinutes,
    logs: {
      groupName,
      streamName,
      deepLink: `https://console.aws.amazon.com/cloudwatch/home?region=${REGION}#logEvent:group=${groupName};stream=${streamName}`,
      cloudWatchLogsArn: `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${groupName}:log-stream:${streamName}`,
      cloudWatchLogs: { status: 'ENABLED' },
    },
    cache: { type: 'NO_CACHE' },
    encryptionKey: `arn:aws:kms:${REGION}:${ACCOUNT}:alias/aws/s3`,
    ...overrides,
  }
}

/** A build that ran when the stack was killed: its processes are ended, and its record says so. */
function endLostBuild(folder: string, build: BuildRecord): void {
  const marker = `CODEBUILD_BUILD_ID=${build.id}`
  for (const pid of processesWith(marker)) killTree(pid, marker)
  endPhase(build, 'FAULT', secondsNow(), {
    statusCode: 'INTERNAL_SERVICE_ERROR',
    message: 'the local stack ended while the build ran',
  })
  completeBuild(build, 'FAULT', secondsNow())
  writeRecord(folder, build)
}

function readRecords(folder: string): Map<string, BuildRecord> {
  const records = new Map<string, BuildRecord>()
  for (const project of existsSync(folder) ? readdirSync(folder) : [])
    for (const file of readdirSync(join(folder, project)).filter((name) => name.endsWith('.json'))) {
      const build: BuildRecord = JSON.parse(readFileSync(join(folder, project, file), 'utf8'))
      records.set(build.id, build)
    }
  return records
}

function writeRecord(folder: string, build: BuildRecord): void {
  const file = join(folder, build.projectName, `${build.id.slice(build.projectName.length + 1)}.json`)
  mkdirSync(join(folder, build.projectName), { recursive: true })
  // Renamed into place, so that a stack that is killed leaves no half record.
  writeFileSync(`${file}.new`, JSON.stringify(build, undefined, 1))
  renameSync(`${file}.new`, file)
}
