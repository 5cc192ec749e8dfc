/** What a server answered, without the body. */
export interface HttpAnswer {
  statusCode: number
  /** names in lower case */
  headers: Record<string, string>
}

/** Bytes that are no answer of HTTP/1.1. */
export class InvalidAnswer extends Error {
  override name = 'InvalidAnswer'
}

// 64 KiB: S3's answers have less than 1.
const HEAD_LIMIT = 64 * 1024

/**
 * Reads one answer from a connection, and passes its body over. Where it does not know to the byte where that ends, the connection must not be used again.
 * Source: RFC 9112, sections 4 (status line), 5 (fields) and 6.3 (length of the body).
 */
export class AnswerReader {
  readonly #method: string
  #received: Buffer | undefined
  #answer: HttpAnswer | undefined
  /** bytes of the body that are still to come */
  #rest = 0
  #mayGoOn = true

  constructor(method: string) {
    this.#method = method
  }

  /** Whether the connection can be used for another request when the answer is there. */
  get mayGoOn(): boolean {
    return this.#mayGoOn
  }

  /**
   * Takes the next bytes.
   * @returns the answer, when it is complete or when nobody can say where it ends
   * @throws InvalidAnswer
   */
  take(bytes: Buffer): HttpAnswer | undefined {
    const body = this.#answer === undefined ? this.#takeHead(bytes) : bytes.length
    if (this.#answer === undefined) return undefined
    this.#rest -= body
    if (this.#rest > 0 && this.#mayGoOn) return undefined
    // whatever follows belongs to no request
    if (this.#rest < 0) this.#mayGoOn = false
    return this.#answer
  }

  /** @returns how many bytes stand behind the head */
  #takeHead(bytes: Buffer): number {
    const received = this.#received === undefined ? bytes : Buffer.concat([this.#received, bytes])
    const end = received.indexOf('\r\n\r\n')
    if (end === -1) {
      if (received.length > HEAD_LIMIT) throw new InvalidAnswer(`its head has more than ${HEAD_LIMIT} bytes`)
      this.#received = received
      return 0
    }
    this.#answer = parseHead(received.toString('latin1', 0, end))
    this.#measureBody(this.#answer)
    return received.length - end - 4
  }

  #measureBody({ statusCode, headers }: HttpAnswer): void {
    if (headers['connection']?.toLowerCase() === 'close') this.#mayGoOn = false
    if (this.#method === 'HEAD' || statusCode === 204 || statusCode === 304) return
    const length = headers['content-length'] ?? ''
    if (headers['transfer-encoding'] !== undefined || !/^\d{1,15}$/.test(length)) this.#mayGoOn = false
    else this.#rest = Number(length)
  }
}

function parseHead(text: string): HttpAnswer {
  const [first = '', ...lines] = text.split('\r\n')
  const status = /^HTTP\/1\.1 ([2-5]\d\d)(?: |$)/.exec(first)?.[1]
  if (status === undefined)
    throw new InvalidAnswer(`its first line is ${JSON.stringify(first.slice(0, 100))}`)
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon < 1) throw new InvalidAnswer(`a line of its head is ${JSON.stringify(line.slice(0, 100))}`)
    const [name, value] = [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    const before = headers[name]
    headers[name] = before === undefined ? value : `${before}, ${value}`
  }
  return { statusCode: Number(status), headers }
}
