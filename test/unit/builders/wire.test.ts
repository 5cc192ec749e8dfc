import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { NixFailed } from '../../../builders/machine/errors.ts'
import { number, string, WireReader } from '../../../builders/nix-daemon/wire.ts'

const LINE = 65 * 1024 ** 2

/** A reader of these bytes, which come in pieces. */
function readerOf(bytes: Buffer, piece = bytes.length): WireReader {
  const count = Math.ceil(bytes.length / piece)
  const pieces = Array.from({ length: count }, (_, at) => bytes.subarray(at * piece, (at + 1) * piece))
  return new WireReader(Readable.from(pieces))
}

test.each([1, 3, 8, 1000])('texts and numbers are read out of pieces of %i bytes', async (piece) => {
  const reader = readerOf(
    Buffer.concat([number(7), string('λ'), string('12345678'), string('over'), number(9)]),
    piece,
  )
  expect([await reader.number(), await reader.string()]).toEqual([7, 'λ'])
  await reader.skipString()
  await reader.skipString()
  expect(await reader.number()).toBe(9)
})

test('a line of a log is passed over, however long it is', async () => {
  const reader = readerOf(Buffer.concat([number(LINE), Buffer.alloc(LINE), number(9)]), 1024 ** 2)
  await reader.skipString()
  expect(await reader.number()).toBe(9)
})

test('of an error that ends with such a line the beginning is read', async () => {
  const error = Buffer.alloc(LINE, 'x')
  error.write('builder failed')
  const reader = readerOf(Buffer.concat([number(LINE), error, number(9)]), 1024 ** 2)
  expect([await reader.beginning(14), await reader.number()]).toEqual(['builder failed', 9])
})

test('a text that is wanted has a limit', async () => {
  await expect(readerOf(number(LINE)).string()).rejects.toThrow(NixFailed)
})

test.each([
  ['wanted', async (reader: WireReader) => reader.string()],
  ['passed over', async (reader: WireReader) => reader.skipString()],
])('a text that ends too early is no text: %s', async (_, read) => {
  await expect(read(readerOf(Buffer.concat([number(8), Buffer.from('1234567')])))).rejects.toThrow(
    'ended in the middle',
  )
})
