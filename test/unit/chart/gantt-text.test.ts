import { describe, expect, test } from 'vitest'
import type { GanttBar, GanttRow } from '../../../scripts/chart/gantt.ts'
import { ganttText } from '../../../scripts/chart/gantt-text.ts'

const bar = (from: number, to: number, kind: GanttBar['kind']): GanttBar => ({ from, to, kind, title: '' })
const row = (label: string, machine: GanttBar[], derivations: GanttBar[] = []): GanttRow => ({
  group: 'x86_64-linux',
  label,
  machine,
  batches: [],
  derivations,
})

describe('a chart of letters', () => {
  // 21 columns for the names, and a cell for each second
  const lines = ganttText(
    [
      { ...row('', [bar(0, 3, 'evaluating')]), group: 'evaluator' },
      row('lane 1', [bar(3, 20, 'alive')], [bar(4, 10, 'built'), bar(12, 20, 'built')]),
      row('lane 2', [bar(3, 9, 'alive')], [bar(3, 6, 'built'), bar(7, 9, 'lost')]),
      row('lane 10', [], [bar(3, 12, 'built'), bar(10, 14, 'failed')]),
    ],
    42,
  )

  test('has a row for each lane, true to scale', () => {
    expect(lines.slice(0, 4)).toEqual([
      'evaluator             ▒▒▒',
      'x86_64-linux lane 1      ·██████··████████',
      'x86_64-linux lane 2      ███·??',
      'x86_64-linux lane 10     ███████××××',
    ])
  })

  test('says when that was, and what the letters mean, of those that there are', () => {
    expect(lines.slice(4)).toEqual([
      '                      0:00      0:10  0:20',
      '                      ▒ evaluates and plans   · machine is there   █ built   × failed   ? lost with its machine',
    ])
  })

  test.each([
    [
      'shorter than a cell',
      [bar(0, 1, 'built'), bar(500, 500, 'failed'), bar(999, 1000, 'built')],
      '█    ×   █',
    ],
    ['at the very end', [bar(0, 1000, 'alive'), bar(1000, 1000, 'lost')], '·········?'],
  ])('what is %s is seen', (_, bars, expected) => {
    const [drawn = ''] = ganttText([row('lane 1', bars)], 31)
    expect(drawn.slice(21)).toBe(expected)
  })

  test('no lane at all is a chart, too', () => {
    expect(ganttText([], 20)).toHaveLength(2)
  })
})
