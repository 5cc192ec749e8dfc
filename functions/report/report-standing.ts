import { currentConfig } from '../shared/config.ts'
import type { EvaluationJob, RunId, WavePlan } from '../shared/contract.ts'
import { readFound } from '../shared/found.ts'
import { stateKeys } from '../shared/keys.ts'
import { logger } from '../shared/lambda.ts'
import { readJson, writeJson } from '../shared/objects.ts'
import { readBatches } from '../shared/run-files.ts'
import { readSchedule } from '../shared/schedule-file.ts'
import { progressOf } from './report-of.ts'
import type { Services } from './services.ts'
import { standingOf, whatIsLeft } from './standing.ts'
import { tellEverybody } from './tell-everybody.ts'
import { waitingSystems } from './waiting.ts'

/** How the shells of a run stand while its lanes work: written down for `hearth run show`, and told when some shell stands otherwise than before. */
export async function reportStanding(
  services: Services,
  { run, wave }: { run: RunId; wave: number },
): Promise<object> {
  const { state } = services
  const [plan, schedule, batches, found] = await Promise.all([
    readJson<WavePlan>(state, stateKeys.plan(run, wave)),
    readSchedule(state, run, wave),
    readBatches(state, run),
    readFound(state, run, wave),
  ])
  const left = whatIsLeft(plan, schedule, batches, found.now)
  const standing = standingOf(plan, left)
  await writeJson(state, stateKeys.standing(run), standing)
  const counts = Object.groupBy(standing.shells, ({ status }) => status)
  logger.info('still at work', { run, warm: counts.warm?.length ?? 0, cold: counts.cold?.length ?? 0 })
  const [job, config, waiting] = await Promise.all([
    readJson<EvaluationJob>(state, stateKeys.job(run)),
    currentConfig(state),
    waitingSystems(state, schedule, new Date()),
  ])
  await tellEverybody(
    services,
    config,
    progressOf(services, job, plan, batches, { left, waiting }),
    'changed',
  )
  return {}
}
