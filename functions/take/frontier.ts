import type { Schedule, System } from '../shared/contract.ts'
import type { Progress } from './choose-batch.ts'
import { indexOf } from './schedule-index.ts'

/** What can be built on one system at this moment. Times in expected seconds. */
export interface Frontier {
  /** by position, 1: all that it needs is published, or can be in one batch with it, or is in this machine's hand */
  isReachable: Uint8Array
  /** by position: how many of its needs are still to be built */
  waiting: Int32Array
  /** reachable, and everything it needs is built; the longest path first */
  ready: ArrayLike<number>
  /** of all that is ready */
  readySeconds: number
  /** of everything that is left of this system, whoever builds it */
  workLeft: number
  /** of that, what no lane has taken */
  workFree: number
  /** the longest path of all that no lane has taken, on any system */
  longestPath: number
}

/** Looks at each derivation once, inputs before what needs them. */
export function findFrontier(
  schedule: Schedule,
  { published, taken, out, hand }: Progress,
  system: System,
): Frontier {
  const { derivations } = schedule
  const isPublished = marked(derivations.length, published)
  const isBuilt = hand === undefined ? isPublished : marked(derivations.length, published, hand.built)
  const isComing = marked(derivations.length, hand?.running.keys() ?? [], hand?.queued ?? [])
  const isReachable = new Uint8Array(derivations.length)
  const waiting = new Int32Array(derivations.length)
  const ready: number[] = []
  let [readySeconds, workLeft, workFree, longestPath] = [0, 0, 0, 0]
  for (const [position, derivation] of derivations.entries()) {
    if (isPublished[position] === 1 || out.has(position)) continue
    const isOwn = derivation.system === system
    if (isOwn) workLeft += derivation.seconds
    if (taken.has(position)) continue
    if (isOwn) workFree += derivation.seconds
    longestPath = Math.max(longestPath, derivation.path)
    let unbuilt = 0
    let isHere = isOwn
    for (const need of derivation.needs) {
      if (isBuilt[need] === 1) continue
      unbuilt++
      if (isReachable[need] !== 1 && isComing[need] !== 1) isHere = false
    }
    waiting[position] = unbuilt
    if (!isHere || derivation.needsPublished.some((need) => isPublished[need] !== 1)) continue
    isReachable[position] = 1
    if (unbuilt > 0) continue
    ready.push(position)
    readySeconds += derivation.seconds
  }
  return {
    isReachable,
    waiting,
    ready: longestPathFirst(schedule, ready),
    readySeconds,
    workLeft,
    workFree,
    longestPath,
  }
}

function marked(length: number, ...sets: Iterable<number>[]): Uint8Array {
  const marks = new Uint8Array(length)
  for (const set of sets) for (const position of set) marks[position] = 1
  return marks
}

/** Sorts numbers and not by a function: a tenth of the time. */
function longestPathFirst(schedule: Schedule, positions: number[]): Int32Array {
  const { rank, byPath } = indexOf(schedule)
  return Int32Array.from(positions, (position) => rank[position] ?? 0)
    .sort()
    .map((index) => byPath[index] ?? 0)
}
