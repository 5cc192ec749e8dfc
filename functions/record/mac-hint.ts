import type { System } from '../shared/contract.ts'
import { hostOf } from '../shared/host-of.ts'
import type { BadPin } from './mac-channels.ts'

// Three names say what kind of packages it is.
const NAMED = 3
// Without shells for Linux nobody knows which packages are nixpkgs' own. A company has a few of its own in a shell; five that no upstream has are likely to be others' too.
const MANY = 5

/**
 * What would save builds for macOS the next time, or undefined.
 * @param misses names of packages, with their versions, that a shell for macOS needs and that no upstream has
 * @param onLinux names of packages that an upstream has for shells for Linux of the same commit, with its URL; none when there are no such shells
 */
export function macHint(
  system: System,
  misses: ReadonlySet<string>,
  onLinux: ReadonlyMap<string, string>,
  { input, ref, instead }: BadPin,
): string | undefined {
  const names = [...misses].filter(hasVersion).toSorted()
  const follows = `The input ${input} follows ${ref}, which does not wait for builds for macOS; ${instead} does`
  if (onLinux.size === 0)
    return names.length < MANY
      ? undefined
      : `${names.length} packages of this shell are in no upstream for ${system} (${list(names)}). ${follows}, and may have those of them that are nixpkgs' own.`
  const both = names.filter((name) => onLinux.has(name))
  if (both.length === 0) return undefined
  const upstreams = new Set(both.map((name) => onLinux.get(name) ?? ''))
  const have = upstreams.size === 1 ? 'has' : 'have'
  const packages = both.length === 1 ? '1 package' : `${both.length} packages`
  return `${packages} of this shell had to be built for ${system}, and ${[...upstreams].map(hostOf).join(' and ')} ${have} the same for Linux (${list(both)}). ${follows}.`
}

/** Names without a version, such as `source` or `hook.sh`, are those of many things. Source: Nix, `DrvName::DrvName`. */
function hasVersion(name: string): boolean {
  return /-\d/.test(name)
}

function list(names: string[]): string {
  return names.slice(0, NAMED).join(', ') + (names.length > NAMED ? ', …' : '')
}
