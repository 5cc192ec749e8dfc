import type { RunReport } from '../run-report.ts'
import { oneLine, shorten, visible } from './markdown.ts'

/** Source: GitHub REST API, "Create a check run", `output.annotations`. */
export interface Annotation {
  path: string
  start_line: number
  end_line: number
  start_column: number
  end_column: number
  annotation_level: 'failure'
  title: string
  message: string
}

// Four calls, and nobody looks through more.
const MOST_ANNOTATIONS = 200
// GitHub's own limit is 64 KB: nobody reads that at a line.
const MOST_MESSAGE = 4000

interface Placed {
  path: string
  line: number
  column: number
  message: string
  shells: string[]
}

/**
 * Evaluation errors at the place that Nix names: `at nix/shells.nix:12:39` in its message, whose paths evaluators have made relative to the repository. The same
 * error of several systems is one annotation.
 * @returns at most 200, and how many were left out
 */
export function annotationsOf({ shells, error }: Pick<RunReport, 'shells' | 'error'>): {
  annotations: Annotation[]
  left: number
} {
  const found = new Map<string, Placed>()
  const look = (message: string, shell: string | undefined): void => {
    const place = placeOf(message)
    if (place === undefined) return
    const key = JSON.stringify([place, message])
    const known = found.get(key) ?? { ...place, message, shells: [] }
    if (shell !== undefined) known.shells.push(shell)
    found.set(key, known)
  }
  for (const { state, reason, blame, attribute, system } of shells)
    if (state === 'failed' && blame === undefined && reason !== undefined)
      look(reason, attribute.includes(system) ? attribute : `${attribute} (${system})`)
  if (error !== undefined) look(error.message, undefined)
  const all = [...found.values()].map(annotationOf)
  return {
    annotations: all.slice(0, MOST_ANNOTATIONS),
    left: Math.max(0, all.length - MOST_ANNOTATIONS),
  }
}

function annotationOf({ path, line, column, message, shells }: Placed): Annotation {
  return {
    path,
    start_line: line,
    end_line: line,
    start_column: column,
    end_column: column,
    annotation_level: 'failure',
    title:
      shells.length === 0 ? 'This does not evaluate' : oneLine(`${shells.join(', ')} does not evaluate`, 255),
    message: shorten(visible(message), MOST_MESSAGE),
  }
}

/** The last position in a message that is in the repository: the innermost one, where Nix 2.34 prints several. */
function placeOf(message: string): { path: string; line: number; column: number } | undefined {
  const places = [...message.matchAll(/^\s*at ([^\s:«»<>]+(?: [^\s:«»<>]+)*):(\d{1,9}):(\d{1,9}):?$/gm)]
  for (const [, path = '', line, column] of places.toReversed())
    if (isInRepository(path) && Number(line) > 0)
      return { path, line: Number(line), column: Math.max(1, Number(column)) }
  return undefined
}

function isInRepository(path: string): boolean {
  return (
    !path.startsWith('/') && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  )
}
