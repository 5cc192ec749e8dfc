import { describe, expect, test } from 'vitest'
import type { Suspect } from '../../../functions/publish/repair/suspect.ts'
import { referrersFirst, whoMustGo } from '../../../functions/publish/repair/who-must-go.ts'
import { hashPartOf } from '../../../nix/store-path.ts'
import { out } from '../functions/graphs.ts'

interface Sketch {
  needs?: string[]
  build?: string
  broken?: true
  elsewhere?: true
}

function suspects(sketches: Record<string, Sketch>): Suspect[] {
  return Object.entries(sketches).map(([name, { needs = [], build, broken, elsewhere = false }]) => ({
    key: name,
    hashPart: hashPartOf(out(name)),
    isVisible: true,
    etag: '',
    modified: new Date(0),
    path: out(name),
    references: needs.map((need) => out(need)),
    deriver: build,
    records: [],
    fault: broken && 'broken',
    isElsewhere: elsewhere,
  }))
}

describe('who must go', () => {
  const cases: [string, Record<string, Sketch>, string[]][] = [
    ['nobody, when nothing is broken', { a: { needs: ['b'] }, b: {} }, []],
    ['what is broken, and nothing that it refers to', { a: { broken: true, needs: ['b'] }, b: {} }, ['a']],
    [
      'what refers to it, however far away',
      { a: { needs: ['b'] }, b: { needs: ['c'] }, c: { broken: true } },
      ['a', 'b', 'c'],
    ],
    [
      'nothing that refers to a path that is elsewhere as well',
      { a: { needs: ['b'] }, b: { broken: true, elsewhere: true } },
      ['b'],
    ],
    [
      'the other outputs of its build',
      { a: { broken: true, build: 'x' }, b: { build: 'x' }, c: { build: 'y' } },
      ['a', 'b'],
    ],
    [
      'what refers to another output of its build',
      { a: { needs: ['b'] }, b: { build: 'x' }, c: { build: 'x', broken: true } },
      ['a', 'b', 'c'],
    ],
    ['not those of unknown builds together', { a: { broken: true }, b: {} }, ['a']],
    [
      'everything in a circle',
      { a: { needs: ['b'] }, b: { needs: ['a', 'c'] }, c: { broken: true } },
      ['a', 'b', 'c'],
    ],
    ['what refers to itself once', { a: { needs: ['a'], broken: true } }, ['a']],
  ]
  test.each(cases)('%s', (_, sketches, going) => {
    const keys = [...whoMustGo(suspects(sketches)).keys()].map(({ key }) => key)
    expect(keys.toSorted()).toEqual(going)
  })
})

describe('referrers come before references', () => {
  const cases: [string, Record<string, Sketch>, string[][]][] = [
    ['in a chain', { a: { needs: ['b'] }, b: { needs: ['c'] }, c: {} }, [['a'], ['b'], ['c']]],
    [
      'in a diamond',
      { d: {}, b: { needs: ['d'] }, c: { needs: ['d'] }, a: { needs: ['b', 'c'] } },
      [['a'], ['b', 'c'], ['d']],
    ],
    ['by the longest way', { a: { needs: ['b', 'c'] }, b: { needs: ['c'] }, c: {} }, [['a'], ['b'], ['c']]],
    [
      'and a reference to itself does not count',
      { a: { needs: ['a', 'b'] }, b: { needs: ['b'] } },
      [['a'], ['b']],
    ],
    [
      'and a circle is last',
      { a: { needs: ['b'] }, b: { needs: ['c'] }, c: { needs: ['b'] } },
      [['a'], ['b', 'c']],
    ],
    ['and nothing is nothing', {}, []],
  ]
  test.each(cases)('%s', (_, sketches, layers) => {
    expect(referrersFirst(suspects(sketches)).map((layer) => layer.map(({ key }) => key))).toEqual(layers)
  })
})
