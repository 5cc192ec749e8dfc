import { nameOf, type StorePath } from '../../nix/store-path.ts'
import type { GraphDerivation, System } from '../shared/contract.ts'
import { packageNameOf, type PackageTimings } from '../shared/timings.ts'

/** What is asked about a derivation: its path names the package. */
export type TimedDerivation = Pick<GraphDerivation, 'system' | 'fixedOutput'> & { drvPath: StorePath }

/**
 * Seconds for packages that were never built here, by how their names begin. Orders of magnitude, as Hydra shows them for nixpkgs on machines
 * of 8 to 16 cores; the first recorded build replaces them.
 */
const PRIORS: [name: RegExp, seconds: number][] = [
  [/^(chromium|electron-unwrapped|qtwebengine|webkitgtk|firefox-unwrapped|libreoffice)/, 10_800],
  [/^(llvm|rustc|ghc|tensorflow|pytorch|swift)$/, 5400],
  [/^(gcc|clang|nodejs|linux|mesa|boost|qtbase|openjdk|mlir|flang|v8|deno)$/, 1800],
  [/^(glibc|python3|perl|cmake|rust|cargo|binutils|openssl|icu4c|gtk|ocaml|go|gdb|systemd|git)$/, 300],
]

// Files that are written and not built. A wrapper of gcc is a wrapper.
const SMALL = /(-wrapper|-hook|\.sh|\.patch|\.json|\.conf|-env)$/
const SMALL_SECONDS = 3

// Fetching is the network's matter, and a source is seldom larger than some 10 MB.
const FETCH_SECONDS = 10
// The middle of nixpkgs: a package with a configure script and a test suite.
const TYPICAL_SECONDS = 45

/**
 * How many seconds the build of a derivation is expected to take: the median of the recorded builds of the same package on the same system; else of those on other
 * systems; else a guess from its name.
 * @param samples what was recorded of its package
 */
export function expectedSeconds(samples: PackageTimings, derivation: TimedDerivation): number {
  const own = samples.filter(({ system }) => system === derivation.system)
  return medianSeconds(own) ?? medianSeconds(samples) ?? prior(derivation)
}

function medianSeconds(samples: { system: System; seconds: number }[]): number | undefined {
  const sorted = samples.map(({ seconds }) => seconds).sort((one, other) => one - other)
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return low === undefined || high === undefined ? undefined : (low + high) / 2
}

function prior({ drvPath, fixedOutput }: TimedDerivation): number {
  if (fixedOutput !== undefined) return FETCH_SECONDS
  const name = packageNameOf(drvPath)
  // `fix-2.3.patch` has no version: its name is all of it
  if (SMALL.test(name) || SMALL.test(nameOf(drvPath).replace(/\.drv$/, ''))) return SMALL_SECONDS
  const known = PRIORS.find(([pattern]) => pattern.test(name))
  return known?.[1] ?? TYPICAL_SECONDS
}
