import { describe, expect, test } from 'vitest'
import { packParcel, readParcel } from '../../../../functions/shared/parcel.ts'

const object = (name: string, text: string) => ({ name, bytes: Buffer.from(text) })

test('what was packed is found under its name, byte for byte', () => {
  const objects = [
    object('results/a.drv.json', '{}\n'),
    object('b.narinfo', ''),
    object('nar/c.nar.zst', '\n\0é'),
  ]
  const parcel = packParcel(objects)
  const entries = readParcel(parcel)
  const unpacked = [...entries].map(([name, { start, bytes }]) => ({
    name,
    bytes: parcel.subarray(start, start + bytes),
  }))
  expect(unpacked).toEqual(objects)
})

test('the format, as it is written', () => {
  expect(packParcel([object('x', 'one'), object('y', 'two')]).toString()).toBe(
    '{"version":1,"objects":[["x",3],["y",3]]}\nonetwo',
  )
})

test('an empty parcel has nothing in it', () => {
  expect(readParcel(packParcel([])).size).toBe(0)
})

describe('anything else is refused, and says why', () => {
  test.each<[string, string, RegExp]>([
    ['no line at all', '{"version":1,"objects":[]}', /no end within/],
    ['no bytes', '', /no end within/],
    ['no JSON', 'parcel\n', /no JSON/],
    ['another version', '{"version":2,"objects":[]}\n', /version/],
    ['no list', '{"version":1,"objects":{"x":3}}\none', /objects/],
    ['a name that is none', '{"version":1,"objects":[[1,3]]}\none', /objects/],
    ['a negative size', '{"version":1,"objects":[["x",-3]]}\none', /objects/],
    ['a broken size', '{"version":1,"objects":[["x",2.5]]}\none', /objects/],
    ['a size of 2^63', '{"version":1,"objects":[["x",9223372036854775808]]}\none', /objects/],
    ['fewer bytes than it says', '{"version":1,"objects":[["x",4]]}\none', /its index speaks of/],
    ['more bytes than it says', '{"version":1,"objects":[["x",2]]}\none', /its index speaks of/],
    ['a name twice', '{"version":1,"objects":[["x",1],["x",2]]}\none', /x is in it twice/],
    ['an index of 5 MiB', `${'['.repeat(5 * 1024 ** 2)}\n`, /no end within/],
    ['an index that nests', `${'['.repeat(1_000_000)}\n`, /no JSON/],
  ])('%s', (_, text, message) => {
    expect(() => readParcel(Buffer.from(text))).toThrow(expect.objectContaining({ name: 'InvalidParcel' }))
    expect(() => readParcel(Buffer.from(text))).toThrow(message)
  })
})
