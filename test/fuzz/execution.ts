import { mutateBytes } from './mutate-bytes.ts'
import { Random } from './random.ts'
import type { Subject } from './targets.ts'

/** Which execution: together with the corpus this determines its input. */
export interface Execution {
  seed: number
  target: string
  index: number
}

/** The input of an execution: one of the corpus, mutated one to six times, by format or byte by byte. */
export function inputOf({ seed, index }: Execution, { target, real, regressions }: Subject): Buffer {
  const random = new Random(seed, index, Math.floor(index / 2 ** 32))
  const corpus = [...real, ...regressions]
  let input = random.pick(corpus)
  // Most inputs with one or two mutations only: what is nearly right gets furthest.
  const mutations = 1 + (random.oneIn(2) ? 0 : random.below(6))
  for (let count = 0; count < mutations; count++)
    input = random.oneIn(3) ? mutateBytes(input, random, corpus) : target.mutate(input, random, corpus)
  return input
}

/** The error's name, and where it was thrown: two findings with the same are one. */
export function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const places = (error.stack ?? '').matchAll(/\n\s+at .*?([\w-]+\.ts:\d+)/g)
  const telling = [...places]
    .map(([, place = '']) => place)
    .filter((place) => !place.startsWith('target.ts:'))
  return `${error.name} at ${telling.slice(0, 3).join(', ')}`
}

/** The error that an input is a finding with, and whether it was taken. */
export async function run({ target }: Subject, input: Buffer): Promise<{ taken: boolean; error?: unknown }> {
  try {
    return { taken: await target.check(input) }
  } catch (error) {
    return { taken: false, error }
  }
}
