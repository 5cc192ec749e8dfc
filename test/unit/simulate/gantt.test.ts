import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { describe, expect, test } from 'vitest'
import { drawGantt, type GanttRow } from '../../../scripts/chart/gantt.ts'
import { ganttOfRun } from '../../../scripts/simulate/gantt-of-run.ts'
import { measureRun } from '../../../scripts/simulate/figures.ts'
import { generateSchedule } from '../../../scripts/simulate/shapes.ts'
import { defaultWorld } from '../../../scripts/simulate/world.ts'

interface Rect {
  '@_class': string
  '@_x': string
  '@_y': string
  '@_width': string
  title?: string
}

function read(svg: string): { rects: Rect[]; texts: string[] } {
  expect(XMLValidator.validate(svg)).toBe(true)
  const parser = new XMLParser({ ignoreAttributes: false, parseTagValue: false })
  const { svg: root } = parser.parse(svg) as { svg: { rect: Rect[]; text: { '#text': string }[] } }
  return { rects: root.rect, texts: root.text.map((text) => text['#text']) }
}

const row: GanttRow = {
  group: 'x86_64-linux',
  label: 'lane 1',
  machine: [{ from: 0, to: 60, kind: 'starting', title: 'starts' }],
  batches: [{ from: 60, to: 170, kind: 'batch', title: 'batch 1' }],
  derivations: [
    { from: 60, to: 100, kind: 'built', title: 'a <b> & "c"' },
    { from: 60, to: 160, kind: 'failed', title: 'd' },
    { from: 100, to: 120, kind: 'built', title: 'e' },
  ],
}

describe('a chart', () => {
  const { rects, texts } = read(drawGantt([row], { title: 'A <run>', subtitle: 'of & for all' }))
  const bar = (title: string): Rect => {
    const found = rects.find((rect) => rect.title === title)
    if (found === undefined) throw new Error(`there is no bar ${title}`)
    return found
  }

  test('has a bar with its tooltip for everything', () => {
    expect(rects.flatMap(({ title }) => title ?? [])).toEqual(['starts', 'batch 1', 'a <b> & "c"', 'd', 'e'])
    expect(bar('d')['@_class']).toBe('failed')
  })

  test('says what it is, what stands where, and what the colours mean', () => {
    for (const text of ['A <run>', 'of & for all', 'x86_64-linux', 'lane 1', 'built', 'failed', '2:30'])
      expect(texts).toContain(text)
  })

  test('is true to scale', () => {
    expect(Number(bar('d')['@_width']) / Number(bar('a <b> & "c"')['@_width'])).toBeCloseTo(2.5, 1)
    expect(bar('e')['@_x']).toBe('745.3')
  })

  test('puts side by side what is at the same time, and in one line what follows', () => {
    expect(bar('d')['@_y']).not.toBe(bar('a <b> & "c"')['@_y'])
    expect(bar('e')['@_y']).toBe(bar('a <b> & "c"')['@_y'])
  })
})

test('nothing at all is a chart, too', () => {
  expect(read(drawGantt([], { title: 'nothing' })).texts).toContain('nothing')
})

test('a simulated run has a bar for each build, batch and machine', () => {
  const schedule = generateSchedule('systems', 120, 1)
  const { run } = measureRun(schedule, { ...defaultWorld, builders: 2, deathsPerHour: 2 })
  const { rects } = read(drawGantt(ganttOfRun(schedule, run), { title: 'run' }))
  const bars = rects.filter(({ title }) => title !== undefined)
  const begun = run.batches.filter(({ begun }) => Number.isFinite(begun))
  expect(bars).toHaveLength(run.builds.length + begun.length + 2 * run.machines.length)
})
