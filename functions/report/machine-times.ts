import { BatchGetBuildsCommand, type Build, type CodeBuildClient } from '@aws-sdk/client-codebuild'
import type { BatchMachine, BuildId, Evaluation, RunId } from '../shared/contract.ts'
import { stateKeys } from '../shared/keys.ts'
import { objectsUnder } from '../shared/list-objects.ts'
import { type Bucket, findJson, readJson } from '../shared/objects.ts'
import type { MachineTime } from './cost.ts'

// BatchGetBuilds takes 100. Source: CodeBuild API reference.
const PAGE = 100

/**
 * How long the machines of CodeBuild were there for a run: its last evaluator, and those that were given batches.
 * @param started ISO 8601; an evaluation that an earlier run made has an evaluator of its own
 * @param now milliseconds since 1970: what is still at work is counted until then
 * @returns how many builds CodeBuild does not know any more, besides
 */
export async function machineTimes(
  state: Bucket,
  codebuild: CodeBuildClient,
  run: RunId,
  started: string | undefined,
  now: number,
): Promise<{ times: MachineTime[]; unknown: number }> {
  const ids = await buildsOf(state, run)
  const since = started === undefined ? 0 : Date.parse(started)
  const times: MachineTime[] = []
  let unknown = 0
  for (let first = 0; first < ids.length; first += PAGE) {
    const page = ids.slice(first, first + PAGE)
    const { builds = [] } = await codebuild.send(new BatchGetBuildsCommand({ ids: page }))
    unknown += page.length - builds.length
    times.push(
      ...builds
        .filter(({ startTime }) => (startTime?.getTime() ?? 0) >= since)
        .map((build) => timeOf(build, now)),
    )
  }
  return { times, unknown }
}

async function buildsOf(state: Bucket, run: RunId): Promise<BuildId[]> {
  const evaluation = await findJson<Evaluation>(state, stateKeys.evaluation(run))
  const given = [...(await objectsUnder(state, stateKeys.batchMachines(run))).keys()]
  const machines = await Promise.all(given.map((key) => readJson<BatchMachine>(state, key)))
  const evaluator = evaluation?.round?.build
  return [
    ...new Set([...(evaluator === undefined ? [] : [evaluator]), ...machines.map(({ build }) => build)]),
  ]
}

function timeOf({ environment, startTime, endTime }: Build, now: number): MachineTime {
  const begun = startTime?.getTime() ?? now
  return {
    machine: `${environment?.type ?? 'unknown'} ${environment?.computeType ?? 'unknown'}`,
    seconds: ((endTime?.getTime() ?? now) - begun) / 1000,
    isReserved: environment?.fleet?.fleetArn !== undefined,
  }
}
