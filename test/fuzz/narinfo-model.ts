/** What Nix takes from a narinfo, each value as it stands there. */
export interface NixNarInfo {
  fields: Map<string, string>
  signatures: Set<string>
}

/**
 * Reads a narinfo exactly as Nix does, which is loosely: a name ends at the first colon, the value begins two characters behind it and ends at the next
 * newline from there, and a later field replaces an earlier one. Undefined for what Nix calls corrupt in this. Source: Nix 2.8, src/libstore/nar-info.cc.
 */
export function readAsNix(text: string): NixNarInfo | undefined {
  const fields = new Map<string, string>()
  const signatures = new Set<string>()
  for (let at = 0; at < text.length;) {
    const colon = text.indexOf(':', at)
    const end = colon < 0 ? -1 : text.indexOf('\n', colon + 2)
    if (end < 0) return undefined
    const name = text.slice(at, colon)
    const value = text.slice(colon + 2, end)
    if (name === 'Sig') signatures.add(value)
    else fields.set(name, value)
    at = end + 1
  }
  return { fields, signatures }
}

const DIGIT = '[0-9abcdfghijklmnpqrsvwxyz]'
const BASE = `${DIGIT}{32}-[0-9a-zA-Z+\\-._?=]{1,211}`
// 52 digits have 260 bits, and a SHA-256 has 256: the first digit is 0 or 1.
const SHA256 = `sha256:[01]${DIGIT}{51}`
const CANONICAL = new RegExp(
  [
    `^StorePath: /nix/store/(?<path>${BASE})\n`,
    `URL: [^\n]+\n`,
    `Compression: [^\n]+\n`,
    `(FileHash: ${SHA256}\n)?`,
    `(FileSize: (?<fileSize>0|[1-9][0-9]*)\n)?`,
    `NarHash: ${SHA256}\n`,
    `NarSize: (?<narSize>[1-9][0-9]*)\n`,
    `References: (?<references>(${BASE}( ${BASE})*)?)\n`,
    `(Deriver: (?<deriver>${BASE})\n)?`,
    `(Sig: [^\n]*\n)*`,
    `(CA: [^\n]+\n)?$`,
  ].join(''),
)

/** Whether Nix itself could have written it: fields in Nix's order, sizes that a double holds, references as a sorted set. */
export function isCanonical(text: string): boolean {
  const groups = CANONICAL.exec(text)?.groups
  if (groups === undefined || /[\0\r]/.test(text)) return false
  const references = (groups['references'] ?? '').split(' ').filter((base) => base !== '')
  const sizes = [groups['fileSize'] ?? '0', groups['narSize'] ?? '']
  const bases = [groups['path'] ?? '', ...references, groups['deriver'] ?? '']
  return (
    sizes.every((size) => BigInt(size) < 2n ** 53n) &&
    references.every((base, index) => index === 0 || (references[index - 1] ?? '') < base) &&
    bases.every((base) => !/^.{33}\.\.?(-|$)/.test(base))
  )
}
