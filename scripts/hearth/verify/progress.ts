/** Tells a person how far the work is, and what is left. */
export interface Progress {
  /** Begins a stretch of work. `total` is unknown where only `done` can tell how far it is. */
  begin(what: string, total?: number): void
  /** Some items are done; `share` of the work, 0 to 1, where no total is known. */
  step(items?: number, share?: number): void
  end(): void
}

// A terminal is written to 8 times a second at most, a log file every 10 seconds.
const TERMINAL_MS = 125
const LINES_MS = 10_000

/** On a terminal one line that is written over and over; elsewhere a line now and then. */
export function showProgress(
  stream: { isTTY?: boolean; write: (text: string) => unknown },
  now: () => number = Date.now,
): Progress {
  const isTerminal = stream.isTTY === true
  let phase: { what: string; total: number | undefined; began: number } | undefined
  let done = 0
  let share = 0
  let shown = 0
  const show = (): void => {
    if (phase === undefined) return
    shown = now()
    const line = describeProgress(phase.what, done, phase.total, share, shown - phase.began)
    stream.write(isTerminal ? `\r\u001b[2K${line}` : `${line}\n`)
  }
  const finish = (): void => {
    if (phase !== undefined && isTerminal) stream.write('\r\u001b[2K')
    phase = undefined
  }
  return {
    begin(what, total) {
      finish()
      phase = { what, total, began: now() }
      done = 0
      share = 0
      show()
    },
    step(items = 1, of) {
      done += items
      if (of !== undefined) share = Math.max(share, of)
      if (now() - shown >= (isTerminal ? TERMINAL_MS : LINES_MS)) show()
    },
    end: finish,
  }
}

/** No progress at all. */
export const SILENT: Progress = { begin: () => undefined, step: () => undefined, end: () => undefined }

/** `reading narinfos: 312,000, 31 %, 6 min left` */
export function describeProgress(
  what: string,
  done: number,
  total: number | undefined,
  share: number,
  elapsedMs: number,
): string {
  const part = total === undefined ? share : total === 0 ? 1 : done / total
  const count = `${done.toLocaleString('en')}${total === undefined ? '' : ` of ${total.toLocaleString('en')}`}`
  if (part <= 0) return `${what}: ${count}`
  const left = (elapsedMs / part) * (1 - part)
  return `${what}: ${count}, ${Math.floor(part * 100)} %${elapsedMs < 2000 ? '' : `, ${describeTime(left)} left`}`
}

function describeTime(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  return seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`
}

const DIGITS = '0123456789abcdfghijklmnpqrsvwxyz'

/**
 * How far a listing in key order is, by the first four digits of a hash part: hashes are spread evenly, so the place in the alphabet is the
 * share of the narinfos that have been seen.
 */
export function shareOfHashPart(hashPart: string): number {
  let share = 0
  for (const digit of hashPart.slice(0, 4).split('').toReversed())
    share = (share + DIGITS.indexOf(digit)) / DIGITS.length
  return share
}
