import type { PlannedDerivation } from './batch.ts'

/** Tells people how far a machine is with what it has in hand: one line for each event. */
export class Progress {
  readonly say: (line: string) => void
  #total = 0
  readonly #started = new Map<PlannedDerivation, number>()
  #ended = 0

  constructor(say: (line: string) => void) {
    this.say = say
  }

  /** So many more derivations are in hand. When everything before has ended, it counts from the beginning. */
  add(derivations: number): void {
    if (this.#ended === this.#total) {
      this.#total = 0
      this.#ended = 0
      this.#started.clear()
    }
    this.#total += derivations
  }

  started(derivation: PlannedDerivation): void {
    const isFirst = !this.#started.has(derivation)
    this.#started.set(derivation, performance.now())
    if (isFirst) this.say(`building ${this.#started.size}/${this.#total} ${derivation.name}`)
  }

  /**
   * @returns the build's wall time in seconds: from the moment when Nix says that it builds, which it does when the build has its locks and its build user, to its
   * answer. 0 when it was not seen to start.
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
