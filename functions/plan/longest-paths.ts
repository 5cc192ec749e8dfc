import type { ScheduledDerivation } from '../shared/contract.ts'

/**
 * The longest path of each derivation in seconds: from its own start to the end of the last that needs it, directly or not, if nothing ever waits
 * for a machine.
 * @param derivations inputs before what needs them, as a schedule has them
 * @returns by position, for `ScheduledDerivation.path`
 */
export function longestPaths(derivations: Pick<ScheduledDerivation, 'seconds' | 'needs'>[]): number[] {
  const after = new Float64Array(derivations.length)
  const paths: number[] = Array.from({ length: derivations.length }, () => 0)
  for (let position = derivations.length - 1; position >= 0; position--) {
    const derivation = derivations[position]
    if (derivation === undefined) continue
    const path = derivation.seconds + (after[position] ?? 0)
    paths[position] = path
    for (const need of derivation.needs) after[need] = Math.max(after[need] ?? 0, path)
  }
  return paths
}
