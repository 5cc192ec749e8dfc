import { nameOf, type StorePath } from '../../nix/store-path.ts'
import type { System } from '../shared/contract.ts'
import type { Timings } from '../shared/records.ts'

export interface Sample {
  drvPath: StorePath
  system: System
  /** wall time of the build in seconds */
  seconds: number
}

// The last ten builds tell how long the next one takes.
const KEEP = 10

/**
 * The package's name without its version: everything before the first dash that no letter follows. Source: Nix, `DrvName::DrvName`.
 * @param drvPath a derivation's store path
 */
export function packageNameOf(drvPath: StorePath): string {
  const name = nameOf(drvPath).replace(/\.drv$/, '')
  const version = name.search(/-[^A-Za-z]/)
  return version < 0 ? name : name.slice(0, version)
}

/** Samples of one run by package. */
export function byPackage(samples: Sample[]): Map<string, Sample[]> {
  return Map.groupBy(samples, ({ drvPath }) => packageNameOf(drvPath))
}

/** The timings with newer samples first; a derivation counts once, however often its run is recorded. */
export function addSamples(known: Timings | undefined, samples: Sample[]): Timings {
  const fresh = new Set(samples.map(({ drvPath }) => drvPath))
  const older = (known?.samples ?? []).filter(({ drvPath }) => !fresh.has(drvPath))
  return { version: 1, samples: [...samples, ...older].slice(0, KEEP) }
}
