import { describe, expect, test } from 'vitest'
import { BuildOrder, type Obstacle } from '../../../builders/batch/build-order.ts'
import { parseStorePath, type StorePath } from '../../../nix/store-path.ts'

const drv = (name: string): StorePath => parseStorePath(`/nix/store/${name.repeat(32)}-${name}.drv`)
const nameOf = (path: StorePath): string => path.slice(44, -4)
const named = (name: string, path: number, needs = '') => ({
  drvPath: drv(name),
  path,
  needs: needs.split('').map(drv),
})

/** An order, and what it has given up. */
function newOrder() {
  const obstacles: Record<string, string> = {}
  const order = new BuildOrder((drvPath, obstacle) => {
    obstacles[nameOf(drvPath)] = told(obstacle)
  })
  const next = (): string | undefined => {
    const drvPath = order.next()
    return drvPath === undefined ? undefined : nameOf(drvPath)
  }
  return { order, obstacles, next }
}

function told(obstacle: Obstacle): string {
  const paths = obstacle.status === 'input-missing' ? obstacle.missing : obstacle.because
  return `${obstacle.status}: ${paths.map(nameOf).sort().join(' ')}`
}

/** What it gives, one after the other, when everything is built at once. */
function played(order: BuildOrder): string {
  let played = ''
  for (let drvPath = order.next(); drvPath !== undefined; drvPath = order.next()) {
    played += nameOf(drvPath)
    order.built(drvPath)
  }
  return played
}

describe('what is built first', () => {
  test.each([
    ['the longest path', [named('a', 1), named('b', 3), named('c', 2)], 'bca'],
    ['of two that are as long, the one that came first', [named('a', 2), named('b', 2)], 'ab'],
    ['nothing before what it needs', [named('a', 9, 'b'), named('b', 1), named('c', 5)], 'cba'],
    [
      'what the longest path needs, in the order of their paths',
      [named('a', 1, 'bc'), named('b', 2, 'd'), named('c', 3), named('d', 4)],
      'dcba',
    ],
  ])('%s', (_, derivations, expected) => {
    const { order } = newOrder()
    order.add(derivations)
    expect(played(order)).toBe(expected)
  })

  test('what is given later, when it is more urgent', () => {
    const { order } = newOrder()
    order.add([named('a', 1), named('b', 2)])
    order.add([named('c', 3), named('d', 1.5, 'b')])
    expect(played(order)).toBe('cbda')
  })
})

describe('what is needed of an earlier batch', () => {
  test('is waited for while it is built', () => {
    const { order, next } = newOrder()
    order.add([named('a', 5)])
    expect(next()).toBe('a')
    order.add([named('b', 9, 'a')])
    expect(order.next()).toBeUndefined()
    order.built(drv('a'))
    expect(next()).toBe('b')
  })

  test('is there when it was built', () => {
    const { order, next } = newOrder()
    order.add([named('a', 5)])
    played(order)
    order.add([named('b', 9, 'a')])
    expect(next()).toBe('b')
  })

  test('takes with it what needs it when it has failed, before or after', () => {
    const { order, obstacles } = newOrder()
    order.add([named('a', 5)])
    order.next()
    order.add([named('b', 9, 'a')])
    order.failed(drv('a'))
    order.add([named('c', 9, 'a'), named('d', 8, 'c')])
    expect(order.next()).toBeUndefined()
    expect(obstacles).toEqual({
      b: 'dependency-failed: a',
      c: 'dependency-failed: a',
      d: 'dependency-failed: a',
    })
  })
})

describe('what is to blame', () => {
  test('is everything that failed, not only what failed first', () => {
    const { order, obstacles } = newOrder()
    order.add([named('a', 3), named('b', 2), named('c', 1, 'ab'), named('d', 0, 'c')])
    order.failed(drv('a'))
    expect(obstacles).toEqual({})
    order.failed(drv('b'))
    expect(obstacles).toEqual({ c: 'dependency-failed: a b', d: 'dependency-failed: a b' })
  })

  test('is what no cache has, known before anything is built', () => {
    const { order, obstacles } = newOrder()
    order.add(
      [named('a', 9), named('b', 8, 'a'), named('c', 7, 'b'), named('d', 6, 'c')],
      new Map([
        [drv('b'), [drv('x')]],
        [drv('d'), [drv('y')]],
      ]),
    )
    expect(obstacles).toEqual({ b: 'input-missing: x', c: 'input-missing: x', d: 'input-missing: x y' })
    expect(played(order)).toBe('a')
  })
})

test('a derivation is open until it is built, failed or given up', () => {
  const { order } = newOrder()
  expect(order.has(drv('a'))).toBe(false)
  order.add([named('a', 2), named('b', 1, 'a')])
  expect(order.isOpen(drv('a'))).toBe(true)
  order.next()
  expect(order.isOpen(drv('a'))).toBe(true)
  order.failed(drv('a'))
  expect([order.isOpen(drv('a')), order.isOpen(drv('b'))]).toEqual([false, false])
  order.add([named('a', 2)])
  expect(order.isOpen(drv('a'))).toBe(true)
  expect(played(order)).toBe('a')
})
