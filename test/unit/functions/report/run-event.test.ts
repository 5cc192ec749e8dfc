import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { describe, expect, test } from 'vitest'
import { costOf } from '../../../../functions/report/cost.ts'
import { runEventOf } from '../../../../functions/report/event/run-event.ts'
import { pricesOf } from '../../../../functions/report/prices.ts'
import type { RunReport } from '../../../../functions/report/run-report.ts'
import { runReport, shell } from './run-reports.ts'

const ajv = new Ajv({ strict: true, allErrors: true })
addFormats.default(ajv)
const isValid = ajv.compile(JSON.parse(readFileSync('docs/run-event.schema.json', 'utf8')) as object)

const working = { verdict: undefined, trigger: undefined } as unknown as Partial<RunReport>
const MACHINE = { machine: 'ALIEN BUILD_X', seconds: 90, isReserved: false }
const failed = shell('web', 'failed', { reason: 'no "quotes" <here>\nat flake.nix:1:1' })

describe('every event is as docs/run-event.schema.json says', () => {
  test.each<[string, Partial<RunReport>]>([
    ['a beginning', { ...working, shells: [], outcomes: [] }],
    [
      'a run that goes on',
      { ...working, shells: [shell('a', 'building', { missing: 3 }), shell('b', 'waiting')] },
    ],
    ['an end', {}],
    ['an end with its cost', { cost: costOf([MACHINE], 1, 5, pricesOf(undefined)) }],
    ['a failure', { verdict: 'failed', error: { name: 'Boom', message: 'x\n'.repeat(5000) } }],
    ['a shell that does not evaluate', { shells: [failed] }],
    ['nothing new', { verdict: 'unchanged', reason: 'warmed before', trigger: 'schedule' }],
    ['a newer commit', { verdict: 'superseded', supersededBy: 'abcdef' }],
    ['a commit that nobody knows', { target: { repository: 'acme/shells', ref: 'refs/heads/main' } }],
    ['attributes of its own', { isPartial: true, trigger: 'hand' }],
    [
      'hostile words',
      {
        shells: [shell('"><script>\\', 'failed', { reason: '\u202e"\\' })],
        target: { ...runReport().target, ref: 'refs/heads/a"b' },
      },
    ],
  ])('%s', (_, more) => {
    const detail = JSON.parse(JSON.stringify(runEventOf(runReport(more)))) as unknown
    expect([isValid(detail), isValid.errors]).toEqual([true, null])
  })

  test('and the schema says no to something else', () => {
    expect(isValid({ ...runEventOf(runReport()), secret: 1 })).toBe(false)
    expect(isValid({ ...runEventOf(runReport()), text: 'a "quote"' })).toBe(false)
  })
})

describe('its text is a sentence that fits into anything', () => {
  test.each<[string, Partial<RunReport>, string]>([
    ['a beginning', { ...working, shells: [], outcomes: [] }, 'acme/shells main at 6113728: a run has begun'],
    [
      'a Mac is waited for',
      { ...working, shells: [shell('a', 'warm'), shell('b', 'waiting')], outcomes: [] },
      'acme/shells main at 6113728: 1 of 2 shells are warm so far; 1 waiting for a Mac',
    ],
    ['an end', {}, 'acme/shells main at 6113728: 3 of 3 shells are warm; 3 built in 4 min, 120.5 MB added'],
    [
      'a failure, by name',
      { shells: [shell('a', 'warm'), failed], outcomes: [] },
      'acme/shells main at 6113728: 1 of 2 shells are warm; failed: devShells.x86_64-linux.web for x86_64-linux',
    ],
  ])('%s', (_, more, text) => {
    expect(runEventOf(runReport(more)).text).toBe(text)
  })
})

test('an event is small enough, however many shells there are', () => {
  const reason = '€'.repeat(300)
  const shells = Array.from({ length: 2000 }, (_, index) =>
    shell(`s${index}${'x'.repeat(100)}`, index % 2 === 0 ? 'warm' : 'failed', { reason }),
  )
  const detail = runEventOf(runReport({ shells }))
  expect(Buffer.byteLength(JSON.stringify(detail))).toBeLessThan(256 * 1024)
  expect(detail.shells.length + detail.shellsLeftOut).toBe(2000)
  expect(detail.shells.length).toBeGreaterThan(100)
  // what is well is left out before what is not
  expect(new Set(detail.shells.map(({ state }) => state))).toEqual(new Set(['failed']))
  expect(isValid(JSON.parse(JSON.stringify(detail)))).toBe(true)
})
