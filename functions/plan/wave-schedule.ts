import type {
  EvaluationJob,
  Evaluation,
  ScheduledMachines,
  System,
  WaveSchedule,
} from '../shared/contract.ts'
import { publicKeysOf } from '../shared/key-lifetime.ts'
import { stateKeys } from '../shared/keys.ts'
import { type Bucket, findJson } from '../shared/objects.ts'
import type { Config } from '../shared/parse-config.ts'
import type { SigningKeys } from '../shared/records.ts'
import type { Decision } from './decide.ts'
import { longestPaths } from './longest-paths.ts'

/** What lanes need to know of a wave. */
export async function waveSchedule(
  state: Bucket,
  {
    job: { run, target, started },
    wave,
    config,
    evaluation,
    decision,
    machines,
  }: {
    job: EvaluationJob
    wave: number
    config: Config
    evaluation: Evaluation
    decision: Pick<Decision, 'schedule'>
    machines: Record<System, ScheduledMachines>
  },
): Promise<WaveSchedule> {
  const ours = publicKeysOf(await findJson<SigningKeys>(state, stateKeys.signingKeys))
  const paths = longestPaths(decision.schedule)
  return {
    version: 1,
    run,
    wave,
    target,
    ...(started === undefined ? {} : { started }),
    derivations: decision.schedule.map((derivation, at) => ({ ...derivation, path: paths[at] ?? 0 })),
    machines,
    job: {
      archive: { key: stateKeys.archive(run), sha256: evaluation.archive?.sha256 ?? '' },
      upstreams: config.upstreams,
      publicKeys: [...new Set([...config.cache.publicKeys, ...ours])],
      maxNarSize: config.limits.nar.gigabytes * 1e9,
    },
  }
}
