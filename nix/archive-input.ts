/** Bytes that are no archive of `nix-store --export`; `offset` is where in them. */
export class InvalidArchive extends Error {
  override name = 'InvalidArchive'
  offset: number
  constructor(reason: string, offset: number) {
    super(`not an archive of nix-store --export: ${reason} at byte ${offset}`)
    this.offset = offset
  }
}

/** An archive has more bytes than it may have. */
export class ArchiveTooLarge extends Error {
  override name = 'ArchiveTooLarge'
  constructor(maxSize: number) {
    super(`the archive has more than the ${maxSize} bytes that it may have`)
  }
}

/** The bytes of an archive, read from front to back: numbers and texts in the form that Nix gives them on the wire, and whatever else stands between them. */
export class ArchiveInput {
  /** how many bytes have been read */
  offset = 0
  readonly #source: AsyncGenerator<Uint8Array, void>
  readonly #maxSize: number
  #received = 0
  /** the bytes that came and have not been read */
  #chunk: Buffer = Buffer.alloc(0)
  /** where what was read last begins: what an error points at */
  #start = 0

  /** @param maxSize the most bytes that it reads */
  constructor(bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, maxSize: number) {
    this.#source = each(bytes)
    this.#maxSize = maxSize
  }

  /** A number of 8 bytes. */
  async number(): Promise<number> {
    this.#start = this.offset
    const bytes = await this.#bytes(8)
    return bytes.readUInt32LE(0) + bytes.readUInt32LE(4) * 2 ** 32
  }

  /** A text of bytes, one character for each. */
  async text(maxLength: number): Promise<string> {
    const length = await this.number()
    const start = this.#start
    if (length > maxLength) this.fail(`a text has ${length} bytes, and ${maxLength} are allowed`)
    const padded = await this.#bytes(length + (-length & 7))
    for (let at = length; at < padded.length; at++)
      if (padded[at] !== 0) this.fail('the padding is not zero', start + 8 + at)
    this.#start = start
    return padded.toString('latin1', 0, length)
  }

  /** Bytes that come next, one at least; those that are read are skipped afterwards. */
  async available(): Promise<Buffer> {
    while (this.#chunk.length === 0) await this.#receive()
    return this.#chunk
  }

  skip(bytes: number): void {
    this.#chunk = this.#chunk.subarray(bytes)
    this.offset += bytes
  }

  /** Checks that nothing follows. */
  async end(): Promise<void> {
    while (this.#chunk.length === 0) {
      const next = await this.#source.next()
      if (next.done === true) return
      this.#chunk = toBuffer(next.value)
    }
    this.fail('bytes follow its end', this.offset)
  }

  /** Says that no more is read. */
  async close(): Promise<void> {
    await this.#source.return()
  }

  /** Refuses what was read last. */
  fail(reason: string, offset = this.#start): never {
    throw new InvalidArchive(reason, offset)
  }

  async #bytes(count: number): Promise<Buffer> {
    while (this.#chunk.length < count) await this.#receive()
    const bytes = this.#chunk.subarray(0, count)
    this.skip(count)
    return bytes
  }

  async #receive(): Promise<void> {
    const next = await this.#source.next()
    if (next.done === true) return this.fail('it ends too early', this.#received)
    this.#received += next.value.length
    if (this.#received > this.#maxSize) throw new ArchiveTooLarge(this.#maxSize)
    const bytes = toBuffer(next.value)
    this.#chunk = this.#chunk.length === 0 ? bytes : Buffer.concat([this.#chunk, bytes])
    return undefined
  }
}

async function* each(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  yield* bytes
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
