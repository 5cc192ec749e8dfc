import { createHash } from 'node:crypto'
import type { StorePath } from '../../nix/store-path.ts'
import type { Caches } from '../shared/caches.ts'
import type { Graph } from '../shared/contract.ts'
import { derivationOf, entries } from '../shared/graph.ts'
import type { KnownPath } from '../shared/upstream-memory.ts'
import { InputDiffers, InputNotPublished } from './refusals.ts'

/** The output paths that a derivation is built from: the named outputs of its input derivations. */
export function inputPathsOf(graph: Graph, drvPath: StorePath): StorePath[] {
  return entries(derivationOf(graph, drvPath, drvPath).inputDrvs).flatMap(([input, outputs]) => {
    const built = derivationOf(graph, input, drvPath).outputs
    return outputs.flatMap((output) => built[output] ?? [])
  })
}

/**
 * The run-time closure of paths, as clients see it: every path with its narinfo, from our cache or a declared upstream.
 * @throws InputNotPublished
 */
export async function closureOf(caches: Caches, paths: StorePath[]): Promise<Map<StorePath, KnownPath>> {
  const closure = new Map<StorePath, KnownPath>()
  let level = [...new Set(paths)]
  while (level.length > 0) {
    const found = await infosOf(caches, level)
    for (const info of found) closure.set(info.storePath, info)
    level = [...new Set(found.flatMap(({ references }) => references))].filter((path) => !closure.has(path))
  }
  return closure
}

/** @throws InputNotPublished */
async function infosOf(caches: Caches, paths: StorePath[]): Promise<KnownPath[]> {
  const known = paths.flatMap((path) => caches.known(path)?.info ?? [])
  if (known.length === paths.length) return known
  return Promise.all(
    paths.map(async (path) => {
      const held = caches.known(path) ?? (await caches.find(path))
      if (held === undefined) throw new InputNotPublished(path)
      return held.info
    }),
  )
}

/**
 * A result counts only when it was built on the very bytes that are published.
 * @param used NarHash of every path that the builder had, as it says
 * @throws InputDiffers
 */
export function checkInputsUsed(closure: Map<StorePath, KnownPath>, used: Record<string, string>): void {
  for (const [path, { narHash }] of closure)
    if (used[path] !== narHash) throw new InputDiffers(path, narHash, used[path])
}

/** One hash for all the bytes that something was built on: in hexadecimal, of every path with its NarHash. */
export function digestOfInputs(closure: Map<StorePath, KnownPath>): string {
  const lines = [...closure.values()].map(({ storePath, narHash }) => `${storePath} ${narHash}\n`)
  return createHash('sha256').update(lines.toSorted().join('')).digest('hex')
}

/** The sources of a derivation and everything that they refer to: what Nix looks for in its outputs. */
export function closureOfSources(graph: Graph, sources: StorePath[]): StorePath[] {
  const closure = new Set(sources)
  // a set that grows while it is walked: what is added is visited, too
  for (const path of closure)
    for (const reference of graph.sources[path]?.references ?? []) closure.add(reference)
  return [...closure]
}
