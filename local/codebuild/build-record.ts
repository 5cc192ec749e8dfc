/** A build as CodeBuild's API gives it; times are seconds since 1970. Source: CodeBuild API reference, Build, BuildPhase. */
export interface BuildRecord {
  id: string
  arn: string
  buildNumber: number
  projectName: string
  startTime: number
  endTime?: number
  currentPhase: string
  buildStatus: BuildStatus
  buildComplete: boolean
  initiator: string
  serviceRole: string
  phases: BuildPhase[]
  source: { type: string; location?: string; buildspec?: string }
  artifacts: { location: string }
  environment: {
    type: string
    image: string
    computeType: string
    environmentVariables: EnvironmentVariable[]
    privilegedMode: boolean
  }
  timeoutInMinutes: number
  queuedTimeoutInMinutes: number
  logs: {
    groupName: string
    streamName: string
    deepLink: string
    cloudWatchLogsArn: string
    cloudWatchLogs: { status: 'ENABLED' }
  }
  cache: { type: 'NO_CACHE' }
  encryptionKey: string
}

export type BuildStatus = 'IN_PROGRESS' | 'SUCCEEDED' | 'FAILED' | 'FAULT' | 'TIMED_OUT' | 'STOPPED'
export type PhaseStatus = Exclude<BuildStatus, 'IN_PROGRESS'>

export interface BuildPhase {
  phaseType: string
  phaseStatus?: PhaseStatus
  startTime: number
  endTime?: number
  durationInSeconds?: number
  contexts?: { statusCode: string; message: string }[]
}

export interface EnvironmentVariable {
  name: string
  value: string
  type: 'PLAINTEXT' | 'SECRETS_MANAGER'
}

/** Why a phase ended otherwise than well. */
export interface PhaseContext {
  statusCode: string
  message: string
}

/** Begins a phase, ending the one before it as succeeded. */
export function enterPhase(build: BuildRecord, phaseType: string, now: number): void {
  endPhase(build, 'SUCCEEDED', now)
  build.currentPhase = phaseType
  build.phases.push({ phaseType, startTime: now })
}

/** Ends the current phase, if it has not ended. */
export function endPhase(build: BuildRecord, status: PhaseStatus, now: number, context?: PhaseContext): void {
  const phase = build.phases.at(-1)
  if (phase === undefined || phase.phaseStatus !== undefined) return
  phase.phaseStatus = status
  phase.endTime = now
  phase.durationInSeconds = Math.round(now - phase.startTime)
  phase.contexts = [context ?? { statusCode: '', message: '' }]
}

/** Ends the build: whatever phase it was in, then FINALIZING (if it ever ran) and COMPLETED. */
export function completeBuild(build: BuildRecord, status: PhaseStatus, now: number): void {
  endPhase(build, status, now)
  build.phases.push({ phaseType: 'COMPLETED', startTime: now })
  build.currentPhase = 'COMPLETED'
  build.buildStatus = status
  build.buildComplete = true
  build.endTime = now
}

export function secondsNow(): number {
  return Date.now() / 1000
}
