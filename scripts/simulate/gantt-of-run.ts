import type { Schedule } from '../../functions/shared/contract.ts'
import { nameOf } from '../../nix/store-path.ts'
import { duration } from './figures.ts'
import type { GanttRow } from '../chart/gantt.ts'
import type { SimulatedRun } from './simulation.ts'

/** A row for each lane that had a machine. */
export function ganttOfRun(schedule: Schedule, run: SimulatedRun): GanttRow[] {
  const builds = Map.groupBy(run.builds, ({ machine }) => machine)
  const batches = Map.groupBy(run.batches, ({ machine }) => machine)
  const rows = new Map<string, GanttRow>()
  for (const { name, lane, started, ready, exited, died } of run.machines) {
    const id = `${lane.system}-${lane.slot}`
    const row = rows.get(id) ?? emptyRow(lane.system, `lane ${lane.slot}`)
    rows.set(id, row)
    row.machine.push(
      { from: started, to: ready, kind: 'starting', title: `${name} starts: ${duration(ready - started)}` },
      {
        from: ready,
        to: exited,
        kind: 'alive',
        title: `${name}: ${duration(exited - ready)}${died ? ', died' : ''}`,
      },
    )
    for (const { id, begun, published, positions } of batches.get(name) ?? [])
      if (Number.isFinite(begun))
        row.batches.push({
          from: begun,
          to: published,
          kind: 'batch',
          title: `batch ${id}: ${positions.length} derivations, ${duration(published - begun)}`,
        })
    for (const { position, begin, end, result } of builds.get(name) ?? []) {
      const drvPath = schedule.derivations[position]?.drvPath
      const what = drvPath === undefined ? `${position}` : nameOf(drvPath).replace(/\.drv$/, '')
      row.derivations.push({
        from: begin,
        to: end,
        kind: result,
        title: `${what}: ${result}, ${duration(end - begin)}`,
      })
    }
  }
  return [...rows.values()]
}

function emptyRow(group: string, label: string): GanttRow {
  return { group, label, machine: [], batches: [], derivations: [] }
}
