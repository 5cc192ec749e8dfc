import { ACCOUNT, REGION } from '../gateway/service.ts'
import type { EnvironmentVariable } from './build-record.ts'

/** A CodeBuild project as the template defines it. */
export interface Project {
  name: string
  /** logical id of its service role in the template */
  role: string
  serviceRoleArn: string
  source: { type: string; location?: string; buildspec?: string }
  environment: {
    type: string
    image: string
    computeType: string
    environmentVariables: EnvironmentVariable[]
    privilegedMode: boolean
  }
  timeoutInMinutes: number
  queuedTimeoutInMinutes: number
  concurrentBuildLimit?: number
  /** `/aws/codebuild/<project>` when absent */
  logGroup?: string
  /** where its builds run: on any of them that is free */
  machines: Machine[]
}

/** What runs builds: this machine itself, or a part of it that a command puts them on. */
export interface Machine {
  /** projects with machines of the same name share its places */
  name: string
  /** The command that runs `command` on the machine. It must pass standard output on and exit as the command does. */
  wrap: (command: string[]) => string[]
  /** builds at once; 1 when absent */
  places?: number
}

export function projectArn(name: string): string {
  return `arn:aws:codebuild:${REGION}:${ACCOUNT}:project/${name}`
}

export function buildArn(id: string): string {
  return `arn:aws:codebuild:${REGION}:${ACCOUNT}:build/${id}`
}

/** Where CodeBuild logs when the project does not say otherwise. */
export function buildLogGroup(project: string): string {
  return `/aws/codebuild/${project}`
}
