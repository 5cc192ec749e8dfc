/** Takes secrets out of texts before anybody can read them: the last thing that whatever is printed or staged passes. */
export class Redaction {
  readonly #secrets = new Set<string>()

  /** From now on this text is left out. */
  keep(secret: string): void {
    if (secret !== '') this.#secrets.add(secret)
  }

  of(text: string): string {
    let redacted = text
    for (const secret of this.#secrets) redacted = redacted.replaceAll(secret, '[token]')
    return redacted
  }
}
