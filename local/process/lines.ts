import { StringDecoder } from 'node:string_decoder'
import type { Readable } from 'node:stream'

/** Longer lines are cut into pieces: CloudWatch takes events of 256 KiB, and a build that prints no newline must not fill the memory. */
const LONGEST = 256 * 1024

/**
 * Calls `onLines` with the complete lines of each chunk, and at the end with what is left.
 * @returns a promise that resolves when the stream has ended
 */
export function readLines(stream: Readable, onLines: (lines: string[]) => void): Promise<void> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  stream.on('data', (chunk: Buffer) => {
    const parts = (rest + decoder.write(chunk)).split('\n')
    rest = parts.pop() ?? ''
    if (rest.length > LONGEST) {
      parts.push(rest)
      rest = ''
    }
    if (parts.length > 0) onLines(parts.map((line) => line.replace(/\r$/, '')))
  })
  return new Promise((resolve) => {
    stream.once('close', () => {
      if (rest !== '') onLines([rest])
      resolve()
    })
  })
}
