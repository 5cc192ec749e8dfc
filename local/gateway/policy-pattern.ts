import { InvalidPolicy } from './policy-document.ts'

/** Condition keys of a request, such as `aws:userid` or `s3:prefix`; names are not case-sensitive. */
export type RequestContext = Record<string, string | undefined>

/** One piece of a pattern: text that must be there literally, or a wildcard. */
type Piece = { text: string } | { wildcard: '*' | '?' }
/** A pattern whose variables have their values. */
export type Pattern = Piece[]

/**
 * Reads a policy value, replacing its variables (`${aws:userid}`, `${aws:PrincipalTag/team, 'none'}`, and `${*}`, `${?}`, `${$}` for the
 * characters themselves). What a variable stands for is matched literally, wildcards included.
 * Source: IAM user guide, "Policy variables".
 * @returns undefined when a variable has neither a value in this request nor a default: such a value matches nothing
 * @throws InvalidPolicy for a `${` that is not closed
 */
export function parsePattern(value: string, context: RequestContext): Pattern | undefined {
  const pieces: Pattern = []
  let rest = value
  while (rest !== '') {
    const special = rest.search(/[*?]|\$\{/)
    if (special === -1) return [...pieces, { text: rest }]
    if (special > 0) pieces.push({ text: rest.slice(0, special) })
    const sign = rest[special]
    if (sign === '*' || sign === '?') {
      pieces.push({ wildcard: sign })
      rest = rest.slice(special + 1)
      continue
    }
    const end = rest.indexOf('}', special)
    if (end === -1) throw new InvalidPolicy(`"${value}": the variable at "${rest.slice(special)}" has no "}"`)
    const text = variable(rest.slice(special + 2, end), context)
    if (text === undefined) return undefined
    pieces.push({ text })
    rest = rest.slice(end + 1)
  }
  return pieces
}

/** The text of a policy value with its variables replaced, for operators that know no wildcards; undefined as in `parsePattern`. */
export function literalOf(value: string, context: RequestContext): string | undefined {
  return parsePattern(value, context)
    ?.map((piece) => ('text' in piece ? piece.text : piece.wildcard))
    .join('')
}

/** The value of a condition key, whatever the case of its name. */
export function contextValue(key: string, context: RequestContext): string | undefined {
  const wanted = key.toLowerCase()
  for (const [name, value] of Object.entries(context)) if (name.toLowerCase() === wanted) return value
  return undefined
}

/** Whether a whole text matches: `*` any characters, `?` exactly one. */
export function matchesPattern(pattern: Pattern, text: string): boolean {
  return regularExpression(pattern, '.*', '.').test(text)
}

/**
 * Whether a resource ARN matches the pattern of a Resource element. A wildcard stays within its segment (the parts between colons), except
 * that a `*` at the end of a segment goes on beyond the colon; after the fifth colon comes one single segment, colons included.
 * Source: IAM user guide, "IAM JSON policy elements: Resource".
 */
export function matchesResource(pattern: Pattern, arn: string): boolean {
  let colons = 0
  let source = ''
  for (const [index, piece] of pattern.entries()) {
    if ('text' in piece) {
      colons += piece.text.split(':').length - 1
      source += escapeText(piece.text)
      continue
    }
    const next = pattern[index + 1]
    const endsSegment = next === undefined || ('text' in next && next.text.startsWith(':'))
    const beyondColons = colons >= 5 || (piece.wildcard === '*' && endsSegment)
    source += (beyondColons ? '.' : '[^:]') + (piece.wildcard === '*' ? '*' : '')
  }
  return new RegExp(`^${source}$`, 'su').test(arn)
}

/** ArnLike: each of the six segments is matched by itself, so a wildcard never crosses a colon before the last one. */
export function matchesArn(pattern: Pattern, arn: string): boolean {
  const segments = splitArn(pattern)
  const values = splitText(arn)
  return (
    segments.length === values.length &&
    segments.every((one, index) => matchesPattern(one, values[index] ?? ''))
  )
}

function variable(text: string, context: RequestContext): string | undefined {
  if (text === '*' || text === '?' || text === '$') return text
  const parsed = /^\s*(?<key>[^\s,']+)\s*(?:,\s*'(?<fallback>[^']*)'\s*)?$/.exec(text)
  const key = parsed?.groups?.['key']
  if (key === undefined) throw new InvalidPolicy(`\${${text}} is no policy variable`)
  return contextValue(key, context) ?? parsed?.groups?.['fallback']
}

function splitText(arn: string): string[] {
  const parts = arn.split(':')
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(':')]
}

function splitArn(pattern: Pattern): Pattern[] {
  const segments: Pattern[] = [[]]
  for (const piece of pattern) {
    if (!('text' in piece)) {
      segments.at(-1)?.push(piece)
      continue
    }
    let rest = piece.text
    for (let colon = rest.indexOf(':'); colon !== -1 && segments.length < 6; colon = rest.indexOf(':')) {
      segments.at(-1)?.push({ text: rest.slice(0, colon) })
      segments.push([])
      rest = rest.slice(colon + 1)
    }
    segments.at(-1)?.push({ text: rest })
  }
  return segments
}

function regularExpression(pattern: Pattern, many: string, one: string): RegExp {
  const source = pattern.map((piece) =>
    'text' in piece ? escapeText(piece.text) : piece.wildcard === '*' ? many : one,
  )
  return new RegExp(`^${source.join('')}$`, 'su')
}

function escapeText(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)
}
