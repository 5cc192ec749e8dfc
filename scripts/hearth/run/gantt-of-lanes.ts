import { parseBatchId } from '../../../functions/shared/batch-id.ts'
import type { DerivationOutcome } from '../../../functions/shared/contract.ts'
import { stands } from '../../../functions/shared/run-files.ts'
import { nameOf } from '../../../nix/store-path.ts'
import type { GanttBar, GanttRow } from '../../chart/gantt.ts'
import { formatSeconds } from './format-live.ts'
import type { RunTimes, TimedBatch } from './run-times.ts'

/**
 * A row for what is evaluated, and one for each lane that took anything: a bar for each batch, from when it was taken until it was published.
 * @param now until when it goes on, as long as it has not ended
 */
export function ganttOfLanes(times: RunTimes, now: Date): GanttRow[] {
  const seconds = (at: Date): number => Math.max(0, (at.getTime() - times.started.getTime()) / 1000)
  const end = times.ended ?? now
  const lanes = Map.groupBy(times.batches, ({ job: { batch } }) => {
    const { system, slot } = parseBatchId(batch).lane
    return `${system} ${slot}`
  })
  const rows = [...lanes].map(([id, batches]): GanttRow => {
    const [group = '', slot = ''] = id.split(' ')
    const timed = batches.map((batch) => ({
      batch,
      from: seconds(batch.taken),
      to: seconds(batch.ended ?? end),
    }))
    return {
      group,
      label: `lane ${slot}`,
      machine: machinesOf(timed),
      batches: [],
      derivations: timed.map(({ batch, from, to }) => ({
        from,
        to,
        kind: kindOf(batch),
        title: titleOf(batch, to - from),
      })),
    }
  })
  const inOrder = rows.toSorted(
    (one, other) =>
      one.group.localeCompare(other.group) ||
      one.label.localeCompare(other.label, undefined, { numeric: true }),
  )
  return [evaluation(times, seconds(end), seconds), ...inOrder]
}

/** The first evaluation begins with the run; those after it when a plan says that what they import has come. Each ends with a plan. */
function evaluation({ plans }: RunTimes, end: number, seconds: (at: Date) => number): GanttRow {
  const begins = [0, ...plans.flatMap(({ verdict, at }) => (verdict === 'evaluate' ? [seconds(at)] : []))]
  const bars = begins.map((from, index): GanttBar => {
    const plan = index === 0 ? plans[0] : plans.find(({ at }) => seconds(at) > from)
    const to = plan === undefined ? end : seconds(plan.at)
    return { from, to, kind: 'evaluating', title: `evaluation ${index + 1}: ${formatSeconds(to - from)}` }
  })
  return { group: 'evaluator', label: '', machine: bars, batches: [], derivations: [] }
}

/** Each machine from the first batch that it had until the last. */
function machinesOf(timed: { batch: TimedBatch; from: number; to: number }[]): GanttBar[] {
  const known = timed.filter(({ batch }) => typeof batch.outcome?.machine === 'string')
  const machines = Map.groupBy(known, ({ batch }) => batch.outcome?.machine ?? '')
  return [...machines].map(([machine, had]) => ({
    from: Math.min(...had.map(({ from }) => from)),
    to: Math.max(...had.map(({ to }) => to)),
    kind: 'alive',
    title: `machine ${machine}`,
  }))
}

/** The worst of what became of its derivations. */
function kindOf({ outcome }: TimedBatch): GanttBar['kind'] {
  if (outcome === undefined) return 'batch'
  if (outcome.derivations.some((derivation) => derivation.outcome === 'lost')) return 'lost'
  return outcome.derivations.every(stands) ? 'built' : 'failed'
}

// More are told by number.
const MOST_NAMES = 12

function titleOf({ job, outcome }: TimedBatch, seconds: number): string {
  const said = new Map(outcome?.derivations.map((derivation) => [derivation.drvPath, derivation]))
  const names = job.derivations.map(({ drvPath }) => {
    const name = nameOf(drvPath).replace(/\.drv$/, '')
    return `${name}${resultOf(said.get(drvPath))}`
  })
  const more = names.length > MOST_NAMES ? `, and ${names.length - MOST_NAMES} more` : ''
  return `batch ${job.batch}, ${formatSeconds(seconds)}: ${names.slice(0, MOST_NAMES).join(', ')}${more}`
}

function resultOf(derivation: DerivationOutcome | undefined): string {
  if (derivation === undefined) return ''
  const { outcome, seconds } = derivation
  return (stands(derivation) ? '' : ` ${outcome}`) + (seconds === undefined ? '' : ` ${seconds.toFixed(1)} s`)
}
