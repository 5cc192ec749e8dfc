import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { eachLine } from '../../../builders/machine/processes.ts'

async function linesOf(...chunks: (string | Buffer)[]): Promise<string[]> {
  const lines: string[] = []
  await eachLine(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), (line) => lines.push(line))
  return lines
}

describe('what a program prints, line by line', () => {
  test.each<[string, (string | Buffer)[], string[]]>([
    ['nothing', [], []],
    ['lines in one piece', ['one\ntwo\n'], ['one', 'two']],
    ['a line in several pieces', ['o', 'n', 'e\nt', 'wo\n'], ['one', 'two']],
    ['the last one without its end', ['one\ntwo'], ['one', 'two']],
    ['empty lines', ['\n\none\n'], ['', '', 'one']],
    ['ends of another system', ['one\r\ntwo\r\n'], ['one', 'two']],
    [
      'a character on the border of two pieces',
      [Buffer.from('ü\n').subarray(0, 1), Buffer.from('ü\n').subarray(1)],
      ['ü'],
    ],
  ])('%s', async (_, chunks, lines) => {
    expect(await linesOf(...chunks)).toEqual(lines)
  })

  test('of a line without an end only the beginning is kept, and the next one is whole again', async () => {
    const piece = 'x'.repeat(1024 * 1024)
    const [long, next] = await linesOf(...Array.from({ length: 600 }, () => piece), '\nnext\n')
    expect(long).toBe('x'.repeat(64 * 1024))
    expect(next).toBe('next')
  })
})
