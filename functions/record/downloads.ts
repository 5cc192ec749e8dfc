import { hashPartOf } from '../../nix/store-path.ts'
import type { DownloadSource, PlannedShell, ShellDownloads } from '../shared/contract.ts'
import { OUR_CACHE, type PathFact, sourceOf } from '../shared/path-facts/fact.ts'
import { builtFor, isBuilt, type RunBuilds } from './run-builds.ts'

/** What was learnt of all closures of a run. */
export interface Learnt {
  known: (hashPart: string) => PathFact | undefined
  /** hash parts that no cache has */
  missing: ReadonlySet<string>
  /** hash parts that our cache shows since the run began */
  fresh: ReadonlySet<string>
}

/**
 * What a new laptop downloads for a shell, and what of that this run built.
 * @param order all caches, in the order in which a client asks them
 */
export function downloadsOf(
  { attribute, system, paths }: Pick<PlannedShell, 'attribute' | 'system' | 'paths'>,
  learnt: Learnt,
  builds: RunBuilds,
  order: string[],
): ShellDownloads {
  const closure = closureOf(paths.map(hashPartOf), learnt)
  const sources = new Map<string, DownloadSource>()
  const shell = { attribute, system, unknown: 0, missing: 0, builtPaths: 0 }
  for (const hashPart of closure) {
    const fact = learnt.known(hashPart)
    if (fact !== undefined) {
      const source = sourceOf(fact)
      const sum = sources.get(source) ?? { source, paths: 0, bytes: 0 }
      sources.set(source, { source, paths: sum.paths + 1, bytes: sum.bytes + fact.fileSize })
      if (source === OUR_CACHE && isOfRun(hashPart)) shell.builtPaths++
    } else if (learnt.missing.has(hashPart)) shell.missing++
    else shell.unknown++
  }
  return {
    ...shell,
    sources: order.flatMap((source) => sources.get(source) ?? []),
    ...builtFor(builds, closure),
  }

  /** What nothing had to make is a source. It comes with what refers to it, so one that came during the run came with what was built. */
  function isOfRun(hashPart: string): boolean {
    return builds.makers.has(hashPart) ? isBuilt(builds, hashPart) : learnt.fresh.has(hashPart)
  }
}

/** The hash parts of some paths and of everything that these refer to, as far as it was learnt. */
export function closureOf(hashParts: string[], { known }: Pick<Learnt, 'known'>): Set<string> {
  const closure = new Set(hashParts)
  // a set is walked in the order of insertion, and what is added meanwhile comes too
  for (const hashPart of closure)
    for (const reference of known(hashPart)?.references ?? []) closure.add(reference)
  return closure
}
