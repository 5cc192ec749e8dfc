/** What one must know of a path to say what downloading it takes. A path is named by its hash part. */
export interface PathFact {
  /** those that were asked, in the order of preference; the last one has it, and the others lack it */
  asked: string[]
  /** bytes of the compressed file */
  fileSize: number
  /** hash parts of what it refers to, without itself */
  references: string[]
  /** when it was asked, days since 1970 */
  day: number
}

/** How our own cache is called among the sources; the others are URLs. */
export const OUR_CACHE = 'cache'

// 7 days: an upstream may get a path that it lacked, as cache.nixos.org does with a commit that Hydra has not come to yet, and nothing but a number hangs on noticing.
const EXPIRES_DAYS = 7

export function dayOf(milliseconds: number): number {
  return Math.floor(milliseconds / 86_400_000)
}

export function isExpired({ day }: PathFact, today: number): boolean {
  return today - day >= EXPIRES_DAYS
}

/**
 * Whether a fact still says where a client finds the path: it follows from who was asked, so it holds while they are the first of the sources, in the same order.
 * @param sources in the order of preference
 */
export function holdsFor({ asked }: PathFact, sources: string[]): boolean {
  return asked.every((source, place) => source === sources[place])
}

/** Where the path is. */
export function sourceOf({ asked }: PathFact): string {
  return asked.at(-1) ?? OUR_CACHE
}
