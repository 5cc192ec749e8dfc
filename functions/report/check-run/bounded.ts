/** GitHub takes so many characters of each text of a check run; bytes are never fewer. Source: GitHub REST API, "Create a check run", `output`. */
const MOST_BYTES = 65_535

/**
 * Blocks of Markdown as one text, as many as there is room for, whole ones alone.
 * @param leftOut says that so many blocks were left out
 */
export function bounded(blocks: string[], leftOut: (count: number) => string, most = MOST_BYTES): string {
  const whole = blocks.join('\n\n')
  if (Buffer.byteLength(whole) <= most) return whole
  const room = most - Buffer.byteLength(`\n\n${leftOut(blocks.length)}`)
  const taken: string[] = []
  let bytes = 0
  for (const block of blocks) {
    const size = Buffer.byteLength(block) + 2
    if (bytes + size > room) continue
    taken.push(block)
    bytes += size
  }
  return [...taken, leftOut(blocks.length - taken.length)].join('\n\n')
}
