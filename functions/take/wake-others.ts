import type { SFNClient } from '@aws-sdk/client-sfn'
import type { Claim, Lane } from '../shared/contract.ts'
import type { Bucket } from '../shared/objects.ts'
import { lanesWithWork } from './choose-batch.ts'
import { wake } from './parked-lanes.ts'
import { isAnythingLeft, progressFor, type RunView, settingsOf } from './run-view.ts'

/**
 * Wakes as many lanes as would find something now; all lanes of a system for which nothing is left, so that they end.
 *
 * A lane that has found nothing itself wakes only lanes that know less than it does: two that wait for the same other run would wake each other for ever.
 * @param busy what other runs are building, as far as the asking lane has found out
 * @param hasMoved whether the asking lane has taken a batch, or is over: then the others may find something, whatever they know
 */
export async function wakeOthers(
  view: RunView,
  busy: Map<number, Claim>,
  lane: Lane,
  hasMoved: boolean,
  services: { state: Bucket; sfn: SFNClient; now: Date },
): Promise<void> {
  const { schedule, seen } = view
  await wake(services, schedule.run, {
    most: (system) =>
      isAnythingLeft(view, system)
        ? lanesWithWork(
            schedule,
            progressFor(view, busy, { system, now: services.now }),
            system,
            settingsOf(schedule, system),
          )
        : Number.POSITIVE_INFINITY,
    mayWake: (parked) => {
      const isOwn = parked.lane.system === lane.system && parked.lane.slot === lane.slot
      return !isOwn && (hasMoved || parked.seen < seen)
    },
  })
}
