import { barsOf, clock, endOf, type GanttBar, type GanttRow, KINDS, kindsOf } from './gantt.ts'

/** What stands for a stretch of time; where there are several, the first of these. */
const CELLS: [kind: GanttBar['kind'], cell: string][] = [
  ['failed', '×'],
  ['lost', '?'],
  ['built', '█'],
  ['batch', '▄'],
  ['evaluating', '▒'],
  ['starting', '-'],
  ['alive', '·'],
]

/**
 * Who built what when, as lines of text.
 * @param columns at most so many characters a line
 */
export function ganttText(rows: GanttRow[], columns: number): string[] {
  const end = Math.max(1, ...rows.map(endOf))
  const names = rows.map(({ group, label }) => `${group} ${label}`.trim())
  const left = Math.max(0, ...names.map((name) => name.length)) + 2
  const width = Math.max(10, columns - left)
  const lines = rows.map((row, index) =>
    `${(names[index] ?? '').padEnd(left)}${cellsOf(row, end, width)}`.trimEnd(),
  )
  const legend = kindsOf(rows).map((kind) => `${cellOf(kind)} ${KINDS[kind].legend}`)
  return [...lines, ' '.repeat(left) + axis(end, width), ' '.repeat(left) + legend.join('   ')]
}

const cellOf = (kind: GanttBar['kind']): string => CELLS.find(([of]) => of === kind)?.[1] ?? ' '

function cellsOf(row: GanttRow, end: number, width: number): string {
  const bars = barsOf(row)
  return Array.from({ length: width }, (_, cell) => {
    const [from, to] = [(cell / width) * end, ((cell + 1) / width) * end]
    const here = bars.filter((bar) => isIn(bar, from, to, end)).map(({ kind }) => kind)
    return CELLS.find(([kind]) => here.includes(kind))?.[1] ?? ' '
  }).join('')
}

/** A bar is in every cell that it covers for a half or more; one that is shorter than a cell is in that of its middle. */
function isIn(bar: GanttBar, from: number, to: number, end: number): boolean {
  const middle = Math.min((bar.from + bar.to) / 2, end - (to - from) / 2)
  const covered = Math.min(bar.to, to) - Math.max(bar.from, from)
  return covered >= (to - from) / 2 || (middle >= from && middle < to)
}

/** The beginning, the middle and the end, below their places. */
function axis(end: number, width: number): string {
  const [first, middle, last] = [0, end / 2, end].map((seconds) => clock(Math.round(seconds)))
  const half = Math.floor(width / 2)
  const begun = (first ?? '').padEnd(half) + (middle ?? '')
  return begun.padEnd(width - (last ?? '').length) + (last ?? '')
}
