/**
 * Text that strangers chose (attributes, messages, logs) for GitHub's Markdown. It stands in code spans and code blocks, and nowhere else: within code GitHub makes no
 * mentions, links, images, emoji or HTML of it. Source: GitHub Flavored Markdown, 6.3 "Code spans" and 4.5 "Fenced code blocks".
 */

// Controls but newline and tab; what turns the direction of text around, and what nobody sees.
const INVISIBLE = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** Without control characters, and without what makes text look otherwise than it is. */
export function visible(text: string): string {
  return text.replaceAll(/\r\n?/g, '\n').replaceAll(INVISIBLE, '')
}

/** On one line, and at most `longest` characters. */
export function oneLine(text: string, longest: number): string {
  const line = visible(text).replaceAll(/\s+/g, ' ').trim()
  return shorten(line, longest)
}

/** At most `longest` characters, the last one `…` when there were more. A pair of surrogates is not torn apart. */
export function shorten(text: string, longest: number): string {
  if (text.length <= longest) return text
  return `${text.slice(0, longest - 1).replace(/[\ud800-\udbff]$/, '')}…`
}

/** A code span. */
export function code(text: string, longest = 200): string {
  const line = oneLine(text, longest)
  if (line === '') return ''
  const fence = '`'.repeat(longestRun(line) + 1)
  const pad = line.startsWith('`') || line.endsWith('`') ? ' ' : ''
  return `${fence}${pad}${line}${pad}${fence}`
}

/** A code block that its text cannot leave. */
export function codeBlock(text: string): string {
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1))
  return `${fence}text\n${visible(text)}\n${fence}`
}

/** A link whose text is ours and whose address may hold names of strangers. */
export function link(text: string, url: string): string {
  const address = url.replaceAll(
    /[<>()\s\\]/g,
    (character) => `%${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`,
  )
  return `[${text}](${address})`
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length))
}
