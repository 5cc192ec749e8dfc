/**
 * The full ref that somebody means: `main` is a branch, `tags/v1` a tag, and a full ref is what it says. A branch whose own name begins with `heads/` or `tags/` has to
 * be written in full, as for git. Source: gitrevisions(7), the order in which git looks for a name.
 */
export function fullRef(text: string): string {
  if (text.startsWith('refs/')) return text
  return /^(heads|tags)\//.test(text) ? `refs/${text}` : `refs/heads/${text}`
}
