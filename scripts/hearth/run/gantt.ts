import { writeFile } from 'node:fs/promises'
import { drawGantt, endOf } from '../../chart/gantt.ts'
import { ganttText } from '../../chart/gantt-text.ts'
import type { Deployment } from '../deployment.ts'
import { formatSeconds } from './format-live.ts'
import { ganttOfLanes } from './gantt-of-lanes.ts'
import { readRunTimes } from './run-times.ts'

// A log file has no width; more does not help the eye.
const COLUMNS = 100

/**
 * `hearth run show --gantt`: who built what when, as text or as JSON.
 * @param file where it is drawn as SVG, too
 */
export async function showGantt(
  { state }: Deployment,
  run: string,
  { file, json }: { file: string | undefined; json: boolean },
): Promise<void> {
  const times = await readRunTimes(state, run)
  const rows = ganttOfLanes(times, new Date())
  const columns = Math.min(process.stdout.columns ?? COLUMNS, COLUMNS)
  console.log(json ? JSON.stringify({ run, rows }) : ganttText(rows, columns).join('\n'))
  if (file === undefined) return
  const derivations = times.batches.reduce((sum, { job }) => sum + job.derivations.length, 0)
  const took = formatSeconds(Math.max(...rows.map(endOf)))
  const subtitle = `${times.target}: ${derivations} derivations in ${times.batches.length} batches, ${took}. A bar is a batch, from when a lane took it until it was published.`
  await writeFile(file, drawGantt(rows, { title: times.run, subtitle }))
  if (!json) console.log(`drawn in ${file}`)
}
