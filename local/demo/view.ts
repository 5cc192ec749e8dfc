import { styleText } from 'node:util'

/** What the demo tells people, line by line: coloured on a terminal, plain elsewhere, silent with --json. */
export interface View {
  heading: (text: string) => void
  say: (text: string) => void
  /** something that a part of the system did: the part's name stands in front */
  from: (part: string, text: string) => void
  claim: (holds: boolean, text: string) => void
  /** a picture made of letters */
  lines: (lines: string[]) => void
}

// The longest name of a part is `aarch64-darwin`: 14 characters.
const PART_WIDTH = 14

/** @param write takes a line without its newline */
export function makeView(write: (line: string) => void, started = performance.now()): View {
  const time = (): string =>
    styleText('dim', `${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s`)
  return {
    heading: (text) => write(`\n${styleText('bold', text)}`),
    say: (text) => write(`${time()}  ${text}`),
    from: (part, text) => write(`${time()}  ${styleText('cyan', part.padEnd(PART_WIDTH))}  ${text}`),
    lines: (lines) => lines.forEach((line) => write(`  ${line}`)),
    claim: (holds, text) =>
      write(`  ${holds ? styleText('green', 'holds ') : styleText('red', 'FAILED')}  ${text}`),
  }
}
