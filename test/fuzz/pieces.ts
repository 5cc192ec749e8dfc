import type { Random } from './random.ts'

/** The same bytes in pieces of any length, none among them; short inputs in the smallest now and then. */
export function piecesOf(input: Buffer, random: Random): Buffer[] {
  const most = random.pick([1, 7, 8, 9, 31, 33, 100, 1000])
  const step = input.length > 1024 && most < 31 ? 31 : most
  const pieces: Buffer[] = []
  for (let at = 0; at < input.length;) {
    const length = step === 1 ? 1 : random.below(step + 1)
    pieces.push(input.subarray(at, at + length))
    at += length
  }
  return pieces
}
