/** A derivation that a builder began. */
export interface Begun {
  builder: string
  name: string
  /** which of its builder's lives it was: a Mac's worker begins anew under the same name */
  life: string
}

/** What builders print for people, line by line, as what they did. */
export class BuilderLogs {
  readonly begun: Begun[] = []
  readonly built: { builder: string; name: string }[] = []
  /** is called with every derivation that is begun */
  onBegun: (builder: string, name: string) => void = () => undefined
  readonly #lives = new Map<string, number>()
  readonly #ended = new Set<string>()

  /** @param builder anything that tells builders apart */
  hear(builder: string, line: string): void {
    if (line.includes(' waits for ')) this.#lives.set(builder, (this.#lives.get(builder) ?? 0) + 1)
    const [, event, name] = /\b(building|built) (?:\d+\/\d+ )?([\w.-]+)/.exec(line) ?? []
    if (event === undefined || name === undefined) return
    if (event === 'built') this.built.push({ builder, name })
    if (event !== 'building') return
    this.begun.push({ builder, name, life: this.#lifeOf(builder) })
    this.onBegun(builder, name)
  }

  /** A builder was killed: what it had begun, and what it says only now, may have to be built again. */
  died(builder: string): void {
    this.#ended.add(this.#lifeOf(builder))
  }

  /** Whether the builder that began a derivation was killed. */
  hasDied({ life }: Begun): boolean {
    return this.#ended.has(life)
  }

  #lifeOf(builder: string): string {
    return `${builder} ${this.#lives.get(builder) ?? 0}`
  }
}
