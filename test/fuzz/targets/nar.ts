import { InvalidNar, NarReader, type NarVisitor } from '../../../nix/nar-reader.ts'
import { ReferenceScanner } from '../../../nix/reference-scanner.ts'
import { mutateNar } from '../mutate-nar.ts'
import { decodeNar, describeTree, encodeNar, isWritable } from '../nar-model.ts'
import { piecesOf } from '../pieces.ts'
import { Random, seedOf } from '../random.ts'
import { must, type Target, taken } from '../target.ts'

/** What is under test: takes the bytes of a NAR in pieces and tells a visitor; throws InvalidNar. */
export type ReadNar = (pieces: Buffer[], visitor: NarVisitor) => void

const readNar: ReadNar = (pieces, visitor) => {
  const reader = new NarReader(visitor)
  for (const piece of pieces) reader.write(piece)
  reader.end()
}

/**
 * NARs: taken if and only if they are what a writer makes of some tree, the same entries and contents in whatever pieces the bytes come; and
 * the reference scanner finds what is there.
 * @param hashParts what the scanner looks for
 */
export function narTarget(hashParts: string[], read: ReadNar = readNar): Target {
  return {
    name: 'nar',
    mutate: mutateNar,
    check(input) {
      const random = new Random(seedOf(input))
      const whole = answer(read, [input])
      const inPieces = answer(read, piecesOf(input, random))
      must(whole === inPieces, `in one piece: ${whole}; in several: ${inPieces}`)
      checkScanner(hashParts, input, random)
      const refused = whole.startsWith('refused')
      const tree = decodeNar(input)
      const isCanonical = tree !== undefined && isWritable(tree) && encodeNar(tree).equals(input)
      if (refused) {
        must(!isCanonical, `a writer makes it of a tree, and it is ${whole}`)
        return false
      }
      must(tree !== undefined && isCanonical, 'taken, and no writer makes it')
      const expected = describeTree(tree).join('\n')
      must(whole === expected, `it says\n${whole}\nand not\n${expected}`)
      return true
    },
  }
}

/** Every entry with its contents, a line each; or how the NAR was refused. */
function answer(read: ReadNar, pieces: Buffer[]): string {
  const lines: string[] = []
  let contents: Buffer[] | undefined
  let size = 0
  const finish = (): void => {
    if (contents === undefined) return
    const bytes = Buffer.concat(contents)
    must(bytes.length === size, `a file of ${size} bytes has ${bytes.length}`)
    lines.push(`${lines.pop() ?? ''} ${bytes.toString('base64')}`)
    contents = undefined
  }
  const visitor: NarVisitor = {
    entry(entry) {
      finish()
      const path = JSON.stringify(entry.path)
      if (entry.type === 'directory') lines.push(`directory ${path}`)
      if (entry.type === 'symlink') lines.push(`symlink ${path} ${JSON.stringify(entry.target)}`)
      if (entry.type !== 'regular') return
      lines.push(`${entry.executable ? 'executable' : 'regular'} ${path}`)
      contents = []
      size = entry.size
    },
    contents: (bytes) => void contents?.push(Buffer.from(bytes)),
  }
  let reason = ''
  const ended = taken(() => {
    try {
      read(pieces, visitor)
      return true
    } catch (error) {
      reason = error instanceof Error ? error.message : ''
      throw error
    }
  }, [InvalidNar])
  if (ended === undefined) return `refused: ${reason}`
  finish()
  return lines.join('\n')
}

function checkScanner(hashParts: string[], input: Buffer, random: Random): void {
  const text = input.toString('latin1')
  const scanner = new ReferenceScanner(hashParts)
  for (const piece of piecesOf(input, random)) scanner.write(piece)
  const found = [...scanner.found()].sort().join(' ')
  const there = hashParts
    .filter((part) => text.includes(part))
    .sort()
    .join(' ')
  must(found === there, `the scanner finds '${found}', and there is '${there}'`)
}
