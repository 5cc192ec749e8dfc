/** A stretch of time in a row; seconds from the start of the run. */
export interface GanttBar {
  from: number
  to: number
  kind: keyof typeof KINDS
  /** what is shown when one points at it */
  title: string
}

/** One machine at a time: a lane. */
export interface GanttRow {
  /** rows of one group stand together, under its name: the system */
  group: string
  label: string
  /** of the machine: its start-up and its life */
  machine: GanttBar[]
  /** what was handed to it */
  batches: GanttBar[]
  /** what it built; those at the same time stand below each other */
  derivations: GanttBar[]
}

export interface GanttOptions {
  title: string
  subtitle?: string
}

/** What a bar can be: its legend, and its colour by day and by night. Violet, blue, orange and grey tell apart without red and green. */
export const KINDS = {
  evaluating: { legend: 'evaluates and plans', light: '#9a86c4', dark: '#a795d0' },
  starting: { legend: 'machine starts', light: '#d9d4c7', dark: '#4a463d' },
  alive: { legend: 'machine is there', light: '#eef1f5', dark: '#20262e' },
  batch: { legend: 'batch, until it is published', light: '#7a8794', dark: '#8b98a6' },
  built: { legend: 'built', light: '#2f7fc1', dark: '#4ea1e0' },
  failed: { legend: 'failed', light: '#d9541e', dark: '#f47b45' },
  lost: { legend: 'lost with its machine', light: '#b58900', dark: '#e0b030' },
} as const

const WIDTH = 1200
const LEFT = 130
const RIGHT = 24
const TOP = 92
const TRACK = 7
const BATCH_TRACK = 4
const ROW_GAP = 8
const GROUP_HEIGHT = 24
// Narrower bars cannot be seen.
const NARROWEST = 0.6

/**
 * Draws who built what when, as one SVG file that needs nothing else and follows the reader's light or dark scheme.
 * @param rows in the order in which they stand; empty ones are drawn too
 */
export function drawGantt(rows: GanttRow[], { title, subtitle = '' }: GanttOptions): string {
  const end = Math.max(1, ...rows.map(endOf))
  const x = (seconds: number): number => LEFT + (seconds / end) * (WIDTH - LEFT - RIGHT)
  const parts: string[] = []
  let y = TOP
  for (const [group, members] of Map.groupBy(rows, ({ group }) => group)) {
    parts.push(`<text class="group" x="16" y="${y + 15}">${escape(group)}</text>`)
    y += GROUP_HEIGHT
    for (const row of members) {
      const drawn = drawRow(row, x, y)
      parts.push(drawn.svg)
      y += drawn.height + ROW_GAP
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 16}" role="img" aria-label="${escape(title)}">
<style>${styles()}</style>
<rect class="page" width="${WIDTH}" height="${y + 16}"/>
<text class="title" x="16" y="28">${escape(title)}</text>
<text class="subtitle" x="16" y="47">${escape(subtitle)}</text>
${legend(rows)}
${axis(end, x, y)}
${parts.join('\n')}
</svg>
`
}

function drawRow(row: GanttRow, x: (seconds: number) => number, y: number): { svg: string; height: number } {
  const batches = tracksOf(row.batches)
  const derivations = tracksOf(row.derivations)
  const below = y + batches.count * BATCH_TRACK + 1
  const height = batches.count * BATCH_TRACK + 1 + Math.max(1, derivations.count) * TRACK
  const bars = [
    `<text class="label" x="${LEFT - 10}" y="${y + height / 2 + 4}">${escape(row.label)}</text>`,
    ...row.machine.map((bar) => drawBar(bar, x, y, height)),
    ...batches.placed.map(({ bar, track }) => drawBar(bar, x, y + track * BATCH_TRACK, BATCH_TRACK - 1)),
    ...derivations.placed.map(({ bar, track }) => drawBar(bar, x, below + track * TRACK, TRACK - 1)),
  ]
  return { svg: bars.join('\n'), height }
}

/** Places bars so that no two of one track overlap; a bar goes to the first track that is free. */
function tracksOf(bars: GanttBar[]): { placed: { bar: GanttBar; track: number }[]; count: number } {
  const ends: number[] = []
  const placed = bars
    .toSorted((one, other) => one.from - other.from)
    .map((bar) => {
      // builds that follow each other at once share a moment, give or take the rounding of clocks
      const free = ends.findIndex((end) => end <= bar.from + 1e-6)
      const track = free < 0 ? ends.length : free
      ends[track] = bar.to
      return { bar, track }
    })
  return { placed, count: ends.length }
}

function drawBar(
  { from, to, kind, title }: GanttBar,
  x: (seconds: number) => number,
  y: number,
  height: number,
): string {
  const width = Math.max(NARROWEST, x(to) - x(from))
  const place = `x="${x(from).toFixed(1)}" y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${height}"`
  return `<rect class="${kind}" ${place}><title>${escape(title)}</title></rect>`
}

/** Seconds until the last bar ends. */
export function endOf(row: GanttRow): number {
  return barsOf(row).reduce((end, { to }) => Math.max(end, to), 0)
}

/** What the colours mean, of those that there are. */
function legend(rows: GanttRow[]): string {
  let x = 16
  return kindsOf(rows)
    .map((kind) => [kind, KINDS[kind]] as const)
    .map(([kind, { legend }]) => {
      const at = x
      x += 24 + legend.length * 6.4
      return `<rect class="${kind}" x="${at}" y="60" width="12" height="10"/><text class="legend" x="${at + 17}" y="69">${legend}</text>`
    })
    .join('\n')
}

/** The kinds of bars that a chart has, in the order of the legend. */
export function kindsOf(rows: GanttRow[]): GanttBar['kind'][] {
  const there = new Set(rows.flatMap(barsOf).map(({ kind }) => kind))
  return (Object.keys(KINDS) as GanttBar['kind'][]).filter((kind) => there.has(kind))
}

export function barsOf({ machine, batches, derivations }: GanttRow): GanttBar[] {
  return [...machine, ...batches, ...derivations]
}

/** About ten lines at round times. */
function axis(end: number, x: (seconds: number) => number, bottom: number): string {
  const steps = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 43_200, 86_400]
  const step = steps.find((step) => end / step <= 12) ?? Math.ceil(end / 12 / 86_400) * 86_400
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => {
    const at = x(index * step).toFixed(1)
    return `<line class="axis" x1="${at}" x2="${at}" y1="${TOP - 4}" y2="${bottom}"/><text class="tick" x="${at}" y="${TOP - 8}">${clock(index * step)}</text>`
  }).join('\n')
}

/** Hours and minutes, or minutes and seconds below an hour. */
export function clock(seconds: number): string {
  const twoDigits = (value: number): string => `${value}`.padStart(2, '0')
  const minutes = Math.floor(seconds / 60)
  return minutes < 60
    ? `${minutes}:${twoDigits(seconds % 60)}`
    : `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)}`
}

function styles(): string {
  const fills = (scheme: 'light' | 'dark'): string =>
    Object.entries(KINDS)
      .map(([kind, colours]) => `.${kind}{fill:${colours[scheme]}}`)
      .join('')
  return `text{font:11px system-ui,sans-serif;fill:#333c46}.title{font-size:17px;font-weight:600}.subtitle,.legend,.tick{fill:#5b6672}
.group{font-size:13px;font-weight:600}.label{text-anchor:end}.tick{text-anchor:middle}.page{fill:#fff}.axis{stroke:#dfe3e8;stroke-width:1}
${fills('light')}
@media (prefers-color-scheme:dark){text{fill:#d5dbe2}.subtitle,.legend,.tick{fill:#98a3af}.page{fill:#12161b}.axis{stroke:#2b323a}${fills('dark')}}`
}

function escape(text: string): string {
  return text.replace(
    /[&<>"]/g,
    (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character] ?? character,
  )
}
