import * as z from 'zod/mini'
import { describe, expect, test } from 'vitest'
import { KeysInput } from '../../../../../functions/publish/keys/run-key-change.ts'

const isTaken = (request: unknown): boolean =>
  z.safeParse(KeysInput, { mode: 'keys', execution: 'x', request }).success

describe('whoever starts the state machine may ask for', () => {
  test.each([
    [{ change: 'create' }],
    [{ change: 'create', name: 'acme-1' }],
    [{ change: 'rotate' }],
    [{ change: 'resign', rate: 0.5 }],
    [{ change: 'resign', rate: 1000 }],
    [{ change: 'retire', name: 'acme-1', force: false }],
  ])('%j', (request) => {
    expect(isTaken(request)).toBe(true)
  })
})

describe('and for nothing else', () => {
  test.each([
    ['another change', { change: 'export' }],
    ['a key of one’s own', { change: 'rotate', key: 'acme-2:AAAA' }],
    ['no rate at all', { change: 'resign', rate: 0 }],
    ['more than S3 takes', { change: 'resign', rate: 1001 }],
    ['a rate that is no number', { change: 'resign', rate: 'fast' }],
    ['to retire no key in particular', { change: 'retire', force: true }],
    ['nothing', {}],
  ])('%s', (_, request) => {
    expect(isTaken(request)).toBe(false)
  })
})
