import { forEachAtOnce } from '../shared/at-once.ts'
import type { PathFacts } from '../shared/path-facts/path-facts.ts'
import type { Sources } from './ask-sources.ts'

/** What was learnt of some closures beside the facts that last. */
export interface Lesson {
  /** hash parts that no cache has */
  missing: Set<string>
  /** hash parts that our cache shows since the run began */
  fresh: Set<string>
  /** how many paths were met of which nobody could say in time where they are */
  unknown: number
}

// 64 requests at once: measured twice as fast as 25, Nix's default, against 20 ms of latency; more gains little (nix-facts section 5).
const REQUESTS = 64
// 300,000 paths are three times the largest closures: an upstream that names references without end is not followed for ever.
const MOST_PATHS = 300_000

/** The run that asks. */
export interface Asking {
  /** whether this run built a path */
  wasBuilt: (hashPart: string) => boolean
  /** when it began, milliseconds since 1970 */
  began: number
  /** asked before each request */
  isTimeUp: () => boolean
}

/**
 * Learns where all paths of some closures are, level by level, and what is known already is not asked for. When the time is up, no further request is begun: the next run
 * goes on from what was learnt.
 * @param roots hash parts
 */
export async function learnClosures(
  roots: Iterable<string>,
  facts: PathFacts,
  sources: Pick<Sources, 'ask'>,
  { wasBuilt, began, isTimeUp }: Asking,
): Promise<Lesson> {
  const lesson: Lesson = { missing: new Set(), fresh: new Set(), unknown: 0 }
  const seen = new Set<string>(roots)
  let level = [...seen]
  while (level.length > 0) {
    await facts.load(level)
    const strangers = level.filter((hashPart) => facts.known(hashPart) === undefined)
    await forEachAtOnce(strangers, REQUESTS, async (hashPart) => {
      const answer = isTimeUp() ? 'unknown' : await sources.ask(hashPart, wasBuilt(hashPart))
      if (answer === 'missing') lesson.missing.add(hashPart)
      else if (answer === 'unknown') lesson.unknown++
      else {
        facts.note(hashPart, answer)
        if (answer.shownSince !== undefined && answer.shownSince >= began) lesson.fresh.add(hashPart)
      }
    })
    const next: string[] = []
    for (const hashPart of level)
      for (const reference of facts.known(hashPart)?.references ?? [])
        if (!seen.has(reference)) {
          if (seen.size < MOST_PATHS) {
            seen.add(reference)
            next.push(reference)
          } else lesson.unknown++
        }
    level = next
  }
  return lesson
}
