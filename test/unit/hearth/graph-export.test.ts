import { expect, test } from 'vitest'
import type { WaveSchedule } from '../../../functions/shared/contract.ts'
import { writeSchedule } from '../../../functions/shared/schedule-file.ts'
import { exportSchedule, NoSuchSchedule } from '../../../scripts/hearth/graph-command.ts'
import { generateSchedule } from '../../../scripts/simulate/shapes.ts'
import { Buckets } from '../functions/buckets.ts'

const schedule = generateSchedule('nixpkgs', 20, 1)
const wave: WaveSchedule = {
  ...schedule,
  target: { repository: 'acme/shells', ref: 'refs/heads/main', commit: 'a'.repeat(40) },
  job: { archive: { key: 'archive', sha256: 'b'.repeat(64) }, upstreams: [], publicKeys: [], maxNarSize: 1 },
  machines: { 'x86_64-linux': { lanes: 2, slots: 4 } },
}

test('a wave’s schedule, and nothing of its machines and keys', async () => {
  const state = new Buckets().bucket('state')
  await writeSchedule(state, wave)
  expect(await exportSchedule({ state }, schedule.run, 1)).toEqual(schedule)
})

test('a run that had nothing to build', async () => {
  const state = new Buckets().bucket('state')
  await expect(exportSchedule({ state }, 'no-such-run', 1)).rejects.toThrow(NoSuchSchedule)
})
