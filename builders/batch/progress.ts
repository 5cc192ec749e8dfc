import type { PlannedDerivation } from './batch.ts'

/** Tells people how far a batch is: one line for each event. */
export class Progress {
  readonly say: (line: string) => void
  readonly #total: number
  readonly #started = new Map<PlannedDerivation, number>()
  #ended = 0

  /** @param total derivations that are to be built */
  constructor(total: number, say: (line: string) => void) {
    this.#total = total
    this.say = say
  }

  started(derivation: PlannedDerivation): void {
    const isFirst = !this.#started.has(derivation)
    this.#started.set(derivation, performance.now())
    if (isFirst) this.say(`building ${this.#started.size}/${this.#total} ${derivation.name}`)
  }

  /**
   * @returns the build's wall time in seconds: from Nix's line `building '….drv'...`, which it prints when the build has its slot, its locks and its build user, to
   * the moment when the hook's line is read, at most 0.1 s late. 0 when it was not seen to start.
   */
  built(derivation: PlannedDerivation): number {
    const start = this.#started.get(derivation)
    const seconds = start === undefined ? 0 : Math.round(performance.now() - start) / 1000
    this.say(
      `built ${++this.#ended}/${this.#total} ${derivation.name} (${seconds.toFixed(1)} s)${this.#left()}`,
    )
    return seconds
  }

  present(derivation: PlannedDerivation): void {
    this.say(`present ${++this.#ended}/${this.#total} ${derivation.name}${this.#left()}`)
  }

  failed(derivation: PlannedDerivation, message: string): void {
    this.say(`failed ${++this.#ended}/${this.#total} ${derivation.name}: ${message}${this.#left()}`)
  }

  notTried(derivation: PlannedDerivation, because: string): void {
    this.say(`not tried ${++this.#ended}/${this.#total} ${derivation.name}: ${because}${this.#left()}`)
  }

  #left(): string {
    return this.#ended < this.#total ? `, ${this.#total - this.#ended} left` : ''
  }
}
