/** What tells the parts of a hand that it is over, and whoever waits for it that something has changed. */
export class HandSignals {
  readonly #breakOff = new AbortController()
  readonly #over = new AbortController()
  #change = Promise.withResolvers<void>()

  /** aborted when nothing more is built or prepared */
  get breakOff(): AbortSignal {
    return this.#breakOff.signal
  }

  /** aborted when nothing more is uploaded either */
  get over(): AbortSignal {
    return this.#over.signal
  }

  breakOffBuilds(reason: Error): void {
    this.#breakOff.abort(reason)
  }

  end(reason: Error): void {
    this.#breakOff.abort(reason)
    this.#over.abort(reason)
  }

  change(): void {
    this.#change.resolve()
    this.#change = Promise.withResolvers<void>()
  }

  /** Resolves at the next change, or after so many milliseconds. */
  async changed(milliseconds: number): Promise<void> {
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, milliseconds)
    await Promise.race([this.#change.promise, late.promise])
    clearTimeout(timer)
  }
}
