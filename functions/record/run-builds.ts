import { hashPartOf, type StorePath } from '../../nix/store-path.ts'
import type { ScheduledDerivation } from '../shared/contract.ts'
import { stands, type TriedBatch } from '../shared/run-files.ts'

/** What a run had to build, and what of it was built. */
export interface RunBuilds {
  /** the derivation that was to make a path, by the path's hash part */
  makers: Map<string, StorePath>
  /** what each is built from, of those that had to be built */
  needs: Map<StorePath, Set<StorePath>>
  /** those of which a build stands, and how many seconds it took */
  seconds: Map<StorePath, number>
}

/**
 * @param schedules of all waves: what a later one lacks of an earlier one was built meanwhile
 * @param batches in the order in which they were taken
 */
export function runBuilds(schedules: ScheduledDerivation[][], batches: TriedBatch[]): RunBuilds {
  const builds: RunBuilds = { makers: new Map(), needs: new Map(), seconds: new Map() }
  for (const schedule of schedules)
    for (const { drvPath, outputs, needs } of schedule) {
      for (const path of Object.values(outputs)) builds.makers.set(hashPartOf(path), drvPath)
      const known = builds.needs.get(drvPath) ?? new Set<StorePath>()
      builds.needs.set(drvPath, known)
      for (const need of needs) {
        const needed = schedule[need]
        if (needed !== undefined) known.add(needed.drvPath)
      }
    }
  for (const { outcome } of batches)
    for (const derivation of outcome?.derivations ?? [])
      if (stands(derivation)) builds.seconds.set(derivation.drvPath, derivation.seconds ?? 0)
  return builds
}

/** Whether this run built a path. */
export function isBuilt({ makers, seconds }: RunBuilds, hashPart: string): boolean {
  const maker = makers.get(hashPart)
  return maker !== undefined && seconds.has(maker)
}

/** What a run built for some paths: what makes them, and what that is built with. */
export function builtFor(
  { makers, needs, seconds }: RunBuilds,
  hashParts: Iterable<string>,
): { built: number; buildSeconds: number } {
  const seen = new Set<StorePath>()
  const open = [...hashParts].flatMap((hashPart) => makers.get(hashPart) ?? [])
  let [built, buildSeconds] = [0, 0]
  for (let drvPath = open.pop(); drvPath !== undefined; drvPath = open.pop()) {
    if (seen.has(drvPath)) continue
    seen.add(drvPath)
    const took = seconds.get(drvPath)
    if (took !== undefined) {
      built++
      buildSeconds += took
    }
    open.push(...(needs.get(drvPath) ?? []))
  }
  return { built, buildSeconds }
}
