/**
 * A table of Markdown. Cells are Markdown already: see `code` for what strangers chose.
 * @param most rows that are shown; a sentence says how many are not
 */
export function table(head: string[], rows: string[][], most: number): string {
  const line = (cells: string[]): string => `| ${cells.map(cell).join(' | ')} |`
  const left = rows.length - most
  return [
    line(head),
    line(head.map(() => '---')),
    ...rows.slice(0, most).map(line),
    ...(left > 0 ? ['', `… and ${left} more.`] : []),
  ].join('\n')
}

/**
 * A pipe ends a cell, in a code span too, unless a backslash stands before it; a backslash that is there already would be taken for that one. Source: GitHub Flavored
 * Markdown, 4.10 "Tables".
 */
function cell(text: string): string {
  return text.replaceAll('\\|', '\\ |').replaceAll('|', '\\|')
}
