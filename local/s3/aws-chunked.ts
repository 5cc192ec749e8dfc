import { createHash } from 'node:crypto'
import { sameText } from '../gateway/sigv4.ts'
import { SignatureDoesNotMatch } from '../gateway/sigv4-errors.ts'
import { S3Error } from './errors.ts'

/** What is needed to verify the signatures of chunks. */
export interface ChunkSigner {
  timestamp: string
  scope: string
  /** signature of the request itself */
  signature: string
  sign(stringToSign: string): string
}

type State = 'header' | 'data' | 'data-end' | 'trailer' | 'end'

// A chunk header is a hexadecimal size and a signature of 64 digits; a trailer one checksum. 8 KiB is more than either ever is.
const LONGEST_LINE = 8192
const EMPTY = createHash('sha256').digest('hex')

/**
 * Decodes a body with `Content-Encoding: aws-chunked`: `<hex size>[;chunk-signature=<signature>]\r\n<data>\r\n…0…\r\n<trailers>\r\n`.
 * Source: S3 API reference, "Signature calculations for the Authorization header: Transferring payload in multiple chunks".
 */
export class AwsChunkedDecoder {
  /** the trailers, by lower-case name; complete after `end` */
  readonly trailers = new Map<string, string>()
  private state: State = 'header'
  private line = ''
  private left = 0
  private chunkHash = createHash('sha256')
  private chunkSignature: string | undefined
  private trailerText = ''
  private readonly signer: ChunkSigner | undefined
  private previousSignature: string

  /** @param signer verifies each chunk's signature (`STREAMING-AWS4-HMAC-SHA256-…`); undefined for unsigned chunks */
  constructor(signer: ChunkSigner | undefined) {
    this.signer = signer
    this.previousSignature = signer?.signature ?? ''
  }

  /** Takes the next bytes of the body and gives the decoded pieces in them. @throws S3Error, SignatureDoesNotMatch */
  push(bytes: Buffer): Buffer[] {
    const decoded: Buffer[] = []
    let position = 0
    while (position < bytes.length) {
      if (this.state === 'data') {
        const piece = bytes.subarray(position, position + this.left)
        position += piece.length
        this.left -= piece.length
        if (this.signer !== undefined) this.chunkHash.update(piece)
        decoded.push(piece)
        if (this.left === 0) this.state = 'data-end'
        continue
      }
      if (this.state === 'end') throw malformed('bytes follow the last chunk')
      const newline = bytes.indexOf(0x0a, position)
      const end = newline === -1 ? bytes.length : newline + 1
      this.line += bytes.toString('latin1', position, end)
      position = end
      if (this.line.length > LONGEST_LINE) throw malformed('a line is too long')
      if (newline !== -1) {
        const line = this.line.replace(/\r?\n$/, '')
        this.line = ''
        this.takeLine(line)
      }
    }
    return decoded
  }

  /** Says that the body is over. @throws IncompleteBody when its last chunk is missing */
  end(): void {
    // S3 takes a body that ends right after the last chunk's line; curl and some SDKs send it so.
    if (this.state === 'trailer') this.finish()
    if (this.state !== 'end') {
      throw new S3Error(400, 'IncompleteBody', 'The aws-chunked body ends before its last chunk')
    }
  }

  private takeLine(line: string): void {
    if (this.state === 'header') return this.takeHeader(line)
    if (this.state === 'data-end') {
      if (line !== '') throw malformed('a chunk is longer than its size says')
      this.checkChunk()
      this.state = 'header'
      return
    }
    if (line === '') return this.finish()
    const colon = line.indexOf(':')
    if (colon === -1) throw malformed('a trailer has no colon')
    const name = line.slice(0, colon).trim().toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (name !== 'x-amz-trailer-signature') this.trailerText += `${name}:${value}\n`
    this.trailers.set(name, value)
  }

  private takeHeader(line: string): void {
    const parsed = /^(?<size>[0-9a-fA-F]{1,12})(?:;chunk-signature=(?<signature>[0-9a-f]{64}))?$/.exec(line)
    if (parsed?.groups === undefined)
      throw malformed('a chunk must begin with its size in hexadecimal digits')
    this.left = Number.parseInt(parsed.groups['size'] ?? '', 16)
    this.chunkSignature = parsed.groups['signature']
    this.chunkHash = createHash('sha256')
    if (this.left === 0) this.checkChunk()
    this.state = this.left === 0 ? 'trailer' : 'data'
  }

  private checkChunk(): void {
    if (this.signer === undefined) return
    this.checkSignature(
      this.chunkSignature,
      ['AWS4-HMAC-SHA256-PAYLOAD', this.signer.timestamp, this.signer.scope, this.previousSignature].concat(
        EMPTY,
        this.chunkHash.digest('hex'),
      ),
    )
  }

  private finish(): void {
    this.state = 'end'
    if (this.signer === undefined || this.trailerText === '') return
    this.checkSignature(this.trailers.get('x-amz-trailer-signature'), [
      'AWS4-HMAC-SHA256-TRAILER',
      this.signer.timestamp,
      this.signer.scope,
      this.previousSignature,
      createHash('sha256').update(this.trailerText).digest('hex'),
    ])
  }

  private checkSignature(signature: string | undefined, stringToSign: string[]): void {
    const expected = this.signer?.sign(stringToSign.join('\n')) ?? ''
    if (signature === undefined || !sameText(signature, expected)) {
      throw new SignatureDoesNotMatch(['a chunk of the body'])
    }
    this.previousSignature = signature
  }
}

function malformed(what: string): S3Error {
  return new S3Error(400, 'InvalidRequest', `The aws-chunked body is malformed: ${what}`)
}
