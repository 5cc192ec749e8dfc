import type { StorePath } from '../../nix/store-path.ts'

/**
 * Derivations and what they need, all the way down, each once and after what it needs. Those in a circle, which Nix never makes, come in some
 * order. Not recursive: how deep a graph is decides who wrote the flake.
 */
export function inputsFirst(
  derivations: Iterable<StorePath>,
  needsOf: (drvPath: StorePath) => StorePath[],
): StorePath[] {
  const ordered: StorePath[] = []
  const visited = new Set<StorePath>()
  // what is still to be visited, the next one last: a derivation, or one whose needs have all been visited by then
  const rest = [...derivations].toReversed().map((drvPath) => ({ drvPath, isReady: false }))
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const { drvPath, isReady } = next
    if (isReady) ordered.push(drvPath)
    if (visited.has(drvPath)) continue
    visited.add(drvPath)
    rest.push({ drvPath, isReady: true })
    for (const need of needsOf(drvPath).toReversed())
      if (!visited.has(need)) rest.push({ drvPath: need, isReady: false })
  }
  return ordered
}
