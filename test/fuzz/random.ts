/** A stream of numbers that a seed determines: the generator sfc32 of PractRand, which passes its tests and costs a few instructions. */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** @param seeds 32-bit integers; each combination gives another stream */
  constructor(...seeds: number[]) {
    const [a = 0, b = 0, c = 0] = seeds
    this.#a = a | 0
    this.#b = b | 0
    this.#c = c | 0
    // 12 rounds until every bit of the seeds has reached every bit of the state; PractRand does as many.
    for (let round = 0; round < 12; round++) this.#next()
  }

  /** An integer from 0 up to, and without, `bound`; 0 when there is none. */
  below(bound: number): number {
    return bound <= 0 ? 0 : this.#next() % bound
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0
  }

  /** One of the items. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)]
    if (item === undefined) throw new RangeError('nothing to pick from')
    return item
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (this.#c << 21) | (this.#c >>> 11)
    this.#c = (this.#c + sum) | 0
    return sum >>> 0
  }
}

/** A seed that some bytes determine (FNV-1a). */
export function seedOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash | 0
}
