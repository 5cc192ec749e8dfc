/** A derivation that a builder began. */
export interface Begun {
  builder: string
  name: string
  /** whether its builder was killed afterwards */
  hasDied: boolean
}

/** What builders print for people, line by line, as what they did. */
export class BuilderLogs {
  readonly begun: Begun[] = []
  readonly built: { builder: string; name: string }[] = []
  /** is called with every derivation that is begun */
  onBegun: (builder: string, name: string) => void = () => undefined

  /** @param builder anything that tells builders apart; a machine that begins anew keeps its name */
  hear(builder: string, line: string): void {
    const [, event, name] = /\b(building|built) (?:\d+\/\d+ )?([\w.-]+)/.exec(line) ?? []
    if (event === undefined || name === undefined) return
    if (event === 'built') this.built.push({ builder, name })
    if (event !== 'building') return
    this.begun.push({ builder, name, hasDied: false })
    this.onBegun(builder, name)
  }

  /** A builder was killed: what it had begun may have to be built again. */
  died(builder: string): void {
    for (const begun of this.begun) if (begun.builder === builder) begun.hasDied = true
  }
}
