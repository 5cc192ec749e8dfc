import type { DerivationOutcome } from '../shared/contract.ts'

// As much as an honest builder says at most (builders/batch/build-log.ts), and what a person reads of one error.
const LOG_LINES = 50
const LOG_CHARACTERS = 16 * 1024
const MESSAGE_CHARACTERS = 16 * 1024

/**
 * An outcome whose words have an end. Those of a failure are the builder's own, those of a refusal quote what it staged, and all of a batch's
 * outcomes are read at once by Plan, Report and people: one builder must not be able to make a run unreadable.
 */
export function boundedWords(outcome: DerivationOutcome): DerivationOutcome {
  const { error, logTail } = outcome
  return {
    ...outcome,
    ...(error === undefined ? {} : { error: { ...error, message: boundedText(error.message) } }),
    ...(logTail === undefined ? {} : { logTail: endOf(logTail) }),
  }
}

/** A text of which a reader gets the beginning, when it is long. */
export function boundedText(text: string): string {
  return text.length <= MESSAGE_CHARACTERS
    ? text
    : `${text.slice(0, MESSAGE_CHARACTERS)}… (${text.length} characters in all)`
}

/** The last lines, as many as fit; of a last line that does not fit alone, its end. */
function endOf(lines: string[]): string[] {
  const kept: string[] = []
  let left = LOG_CHARACTERS
  for (const line of lines.slice(-LOG_LINES).toReversed()) {
    if (line.length > left && kept.length > 0) break
    kept.unshift(line.slice(-left))
    left = Math.max(left - line.length, 0)
  }
  return kept
}
