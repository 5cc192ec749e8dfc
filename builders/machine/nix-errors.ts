import { stripVTControlCharacters } from 'node:util'

/** Messages of Nix are for a page or a commit status: longer ones are cut. */
const LONGEST_MESSAGE = 2000

/**
 * The last error that Nix printed: its innermost `error:` line and what belongs to it, such as the position. Left out: colours, excerpts of the
 * source, advice to use --show-trace. Empty when there is none. Wordings: 2.8 puts the message first (`error: attribute 'x' missing`), newer ones end with
 * it, indented, below the trace of where they were.
 * @param replacements texts to show otherwise, such as the folder of the source
 */
export function lastError(stderr: string, replacements: [from: string, to: string][] = []): string {
  const lines = stripVTControlCharacters(stderr).split('\n')
  const start = lines.findLastIndex((line) => /^\s*error: ?\S/.test(line))
  if (start === -1) return ''
  const kept = lines
    .slice(start)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !isExcerpt(line) && !line.startsWith("(use '--show-trace'"))
  kept[0] = (kept[0] ?? '').replace(/^error: ?/, '')
  let message = kept.join('\n').replace(/:$/, '')
  for (const [from, to] of replacements) message = message.replaceAll(from, to)
  return message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message
}

/** A line of the source below a position: `12|  code`, `|  ^`. */
function isExcerpt(line: string): boolean {
  return /^\d*\|/.test(line)
}

/**
 * The derivation that an evaluation would have had to build, when Nix refused because `allow-import-from-derivation` is off. Same wording in 2.8, 2.26 and
 * 2.34, but newer ones name the output behind a `^`.
 */
export function importedDerivation(stderr: string): string | undefined {
  return /cannot build '([^'^]+\.drv)(?:\^[^']*)?' during evaluation because/.exec(
    stripVTControlCharacters(stderr),
  )?.[1]
}

/** Whether an evaluation died because it reached GC_MAXIMUM_HEAP_SIZE; 2.34 may abort instead of saying so. */
export function isOutOfMemory(stderr: string, signal: NodeJS.Signals | null, status: number | null): boolean {
  // 134 = 128 + SIGABRT, as a shell in between reports it
  if (signal === 'SIGABRT' || status === 134) return true
  return /out of memory|too many heap sections|bad_alloc/i.test(stderr)
}
