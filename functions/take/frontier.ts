import type { Schedule, System } from '../shared/contract.ts'
import type { Progress } from './choose-batch.ts'

/** What can be built on one system at this moment. */
export interface Frontier {
  /** by position, 1: it and all that it needs can be in one batch, or are published */
  isReachable: Uint8Array
  /** by position: how many of its needs are not published, each time that it names them */
  waiting: Int32Array
  /** reachable, and everything it needs is published; the longest path first */
  ready: number[]
  /** expected seconds of everything that is left of this system, whoever builds it */
  workLeft: number
  /** of that, what no lane has taken */
  workFree: number
  /** the longest path of all that no lane has taken, on any system */
  longestPath: number
}

/** Looks at each derivation once, inputs before what needs them. */
export function findFrontier(
  { derivations }: Schedule,
  { published, taken, out, hand }: Progress,
  system: System,
): Frontier {
  const frontier: Frontier = {
    isReachable: new Uint8Array(derivations.length),
    waiting: new Int32Array(derivations.length),
    ready: [],
    workLeft: 0,
    workFree: 0,
    longestPath: 0,
  }
  const { isReachable, waiting, ready } = frontier
  const isComing = new Set([...(hand?.running.keys() ?? []), ...(hand?.queued ?? [])])
  for (const [position, derivation] of derivations.entries()) {
    if (published.has(position) || out.has(position)) continue
    if (derivation.system === system) frontier.workLeft += derivation.seconds
    if (taken.has(position)) continue
    if (derivation.system === system) frontier.workFree += derivation.seconds
    frontier.longestPath = Math.max(frontier.longestPath, derivation.path)
    const unpublished = derivation.needs.filter(
      (need) => !published.has(need) && hand?.built.has(need) !== true,
    )
    waiting[position] = unpublished.length
    const isHere =
      derivation.system === system &&
      unpublished.every((need) => isReachable[need] === 1 || isComing.has(need)) &&
      derivation.needsPublished.every((need) => published.has(need))
    if (!isHere) continue
    isReachable[position] = 1
    if (unpublished.length === 0) ready.push(position)
  }
  const path = (position: number): number => derivations[position]?.path ?? 0
  ready.sort((one, other) => path(other) - path(one) || one - other)
  return frontier
}
