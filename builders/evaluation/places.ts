import { pathForSystem, type WantedAttribute } from '../../functions/shared/attributes.ts'
import type { Candidate, Source } from './evaluate-system.ts'
import { type AttributePath, type SetListing, showPath } from './expressions.ts'

/** Where to look for the shells of one system: a set of them, or one itself. */
export interface Place {
  source: Source
  path: AttributePath
  /** how people and reports call it, or what lies in it */
  show: (path: AttributePath) => string
  /** a file's set has functions and other sets beside the derivations */
  isMixed: boolean
}

/** Where an entry of `attributes` leads for a system: nowhere, when it names another one. */
export function placeOf(
  wanted: WantedAttribute,
  system: string,
  sources: { flake: Source | undefined; file: (file: string) => Source },
): Place | undefined {
  if (wanted.kind === 'file') {
    const { file, path } = wanted
    const show = (shown: AttributePath): string =>
      // one name for each system: a flake's paths have it in them
      `${shown.length === 0 ? file : `${file}#${showPath(shown)}`} (${system})`
    return { source: sources.file(file), path, show, isMixed: true }
  }
  const path = pathForSystem(wanted, system)
  if (path === undefined || sources.flake === undefined) return undefined
  return { source: sources.flake, path, show: showPath, isMixed: false }
}

/** The shells of a place, by what was found there. */
export function candidatesOf({ path, show, isMixed }: Place, found: SetListing): Candidate[] {
  if (found === 'derivation') return [{ attribute: show(path), path }]
  if (typeof found === 'string') return []
  return found.names.map((name) => ({
    attribute: show([...path, name]),
    path: [...path, name],
    ...(isMixed ? { isAmongOthers: true } : {}),
  }))
}
