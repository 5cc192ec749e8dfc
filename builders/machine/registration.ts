import { formatHash, parseHash } from '../../nix/hash.ts'
import { parseStorePath, type StorePath } from '../../nix/store-path.ts'
import { NixFailed } from './errors.ts'

/** What Nix's database says of a valid store path. */
export interface PathInfo {
  path: StorePath
  /** `sha256:<nix32>` */
  narHash: string
  narSize: number
  /** the derivation that built it, when Nix knows */
  deriver?: StorePath
  references: StorePath[]
}

/**
 * Parses what `nix-store --dump-db <paths>` prints: for each path, one value a line, the path, its NarHash in base16, its NarSize, its deriver (an empty line when
 * unknown), the number of its references, and those. The same in every version, unlike `nix path-info --json`. Source: Nix, `Store::makeValidityRegistration`.
 * @throws NixFailed when it is something else
 */
export function parseRegistrations(text: string): PathInfo[] {
  const lines = text.split('\n')
  if (lines.pop() !== '') throw new NixFailed('nix-store --dump-db was cut short')
  const infos: PathInfo[] = []
  let next = 0
  const line = (): string => {
    const value = lines[next++]
    if (value === undefined) throw new NixFailed('nix-store --dump-db was cut short')
    return value
  }
  const number = (): number => {
    const value = line()
    if (!/^\d+$/.test(value))
      throw new NixFailed(`nix-store --dump-db: '${value}' is no number, line ${next}`)
    return Number(value)
  }
  while (next < lines.length) {
    const path = parseStorePath(line())
    const narHash = formatHash(parseHash(line(), 'sha256'))
    const narSize = number()
    const deriver = line()
    const references = Array.from({ length: number() }, () => parseStorePath(line()))
    infos.push({
      path,
      narHash,
      narSize,
      ...(deriver === '' ? {} : { deriver: parseStorePath(deriver) }),
      references,
    })
  }
  return infos
}
