import { hashPartOf } from '../../../nix/store-path.ts'
import type { Suspect } from './suspect.ts'

/**
 * Which suspects must go, with the reason of each: those at fault; whatever refers to one that goes, unless clients find that elsewhere; and
 * the other outputs of its build, because of two different builds of one derivation no output may stand beside another.
 */
export function whoMustGo(suspects: Suspect[]): Map<Suspect, string> {
  const referrers = Map.groupBy(
    suspects.flatMap((suspect) => suspect.references.map((path) => ({ suspect, path }))),
    ({ path }) => path,
  )
  const builds = Map.groupBy(suspects, ({ deriver }) => deriver)
  const going = new Map<Suspect, string>()
  const waiting: Suspect[] = []
  const go = (suspect: Suspect, reason: string): void => {
    if (going.has(suspect)) return
    going.set(suspect, reason)
    waiting.push(suspect)
  }
  for (const suspect of suspects) if (suspect.fault !== undefined) go(suspect, suspect.fault)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { path, deriver, isElsewhere, key } = next
    if (path !== undefined && !isElsewhere)
      for (const { suspect } of referrers.get(path) ?? []) go(suspect, `it refers to ${path}, which goes`)
    if (deriver !== undefined)
      for (const sibling of builds.get(deriver) ?? [])
        go(sibling, `it is of the same build as ${key}, which goes`)
  }
  return going
}

/**
 * Suspects in layers: whatever refers to another one is in an earlier layer. Those of a circle, which no build can make, are in the last one.
 */
export function referrersFirst(suspects: Suspect[]): Suspect[][] {
  const byHash = new Map(suspects.map((suspect) => [suspect.hashPart, suspect]))
  const referrers = new Map<Suspect, number>(suspects.map((suspect) => [suspect, 0]))
  const referencesOf = (suspect: Suspect): Suspect[] =>
    [...new Set(suspect.references.map(hashPartOf))].flatMap((hashPart) => {
      const reference = byHash.get(hashPart)
      return reference === undefined || reference === suspect ? [] : [reference]
    })
  for (const suspect of suspects)
    for (const reference of referencesOf(suspect))
      referrers.set(reference, (referrers.get(reference) ?? 0) + 1)
  const layers: Suspect[][] = []
  for (let layer = suspects.filter((suspect) => referrers.get(suspect) === 0); layer.length > 0;) {
    layers.push(layer)
    const next: Suspect[] = []
    for (const suspect of layer) {
      referrers.delete(suspect)
      for (const reference of referencesOf(suspect)) {
        const left = (referrers.get(reference) ?? 0) - 1
        referrers.set(reference, left)
        if (left === 0) next.push(reference)
      }
    }
    layer = next
  }
  return referrers.size === 0 ? layers : [...layers, [...referrers.keys()]]
}
