/**
 * A table of Markdown. Cells are Markdown already: see `code` for what strangers chose.
 * @param most rows that are shown; a sentence says how many are not
 */
export function table(head: string[], rows: string[][], most: number): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`
  const left = rows.length - most
  return [
    line(head),
    line(head.map(() => '---')),
    ...rows.slice(0, most).map(line),
    ...(left > 0 ? ['', `… and ${left} more.`] : []),
  ].join('\n')
}
