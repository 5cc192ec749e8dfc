import { setTimeout as sleep } from 'node:timers/promises'
import { fingerprint, InvalidNarInfo, type NarInfo, parseNarInfo } from '../../nix/narinfo.ts'
import { parsePublicKey, verify } from '../../nix/signature.ts'
import { hashPartOf, type StorePath } from '../../nix/store-path.ts'
import type { Upstream } from './contract.ts'
import { HearthError } from './errors.ts'

export class UpstreamUnavailable extends HearthError {
  override name = 'UpstreamUnavailable'
  override retryable = true
}

// 1 MiB: as for a narinfo of our own.
const NARINFO_LIMIT = 1024 * 1024

// Nix tries a download 5 times; here the state machine tries the whole state again after these 3.
const TRIES = 3
const TIMEOUT_MS = 20_000

/**
 * The narinfo of a path in an upstream, if a client that trusts the upstream's declared keys would take it; undefined when the upstream
 * does not have it, or not signed by such a key.
 * @throws UpstreamUnavailable when the upstream cannot be asked: that is no answer, and never counts as missing
 */
export async function findInUpstream(upstream: Upstream, path: StorePath): Promise<NarInfo | undefined> {
  const info = await findNarInfo(upstream, hashPartOf(path))
  if (info === undefined) return undefined
  // A narinfo is looked up by hash alone: `…-foo` would answer for `…-bar`.
  if (info.storePath !== path) return undefined
  return info
}

/**
 * What an upstream answers for a hash part, signed with one of its declared keys. It may be about another path.
 * @throws UpstreamUnavailable
 */
export async function findNarInfo(upstream: Upstream, hashPart: string): Promise<NarInfo | undefined> {
  const url = `${upstream.url}/${hashPart}.narinfo`
  const text = await getText(url)
  if (text === undefined) return undefined
  const info = parse(url, text)
  const keys = upstream.publicKeys.map(parsePublicKey)
  const signed = info.signatures.some((signature) => verify(fingerprint(info), signature, keys) !== undefined)
  return signed ? info : undefined
}

/** Something between us and the upstream may answer in its stead, with a page of its own. */
function parse(url: string, text: string): NarInfo {
  try {
    return parseNarInfo(text)
  } catch (error) {
    if (!(error instanceof InvalidNarInfo)) throw error
    throw new UpstreamUnavailable(`${url} answered with something else than a narinfo: ${error.message}`)
  }
}

/** @returns undefined for 404, and for 403, which S3 answers for what is missing to whoever may not list */
async function getText(url: string): Promise<string | undefined> {
  let last = ''
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
      if (response.ok) return await textOf(url, response)
      await response.body?.cancel()
      if (response.status === 404 || response.status === 403) return undefined
      last = `status ${response.status}`
    } catch (error) {
      last =
        error instanceof Error
          ? `${error.message}${error.cause instanceof Error ? `: ${error.cause.message}` : ''}`
          : String(error)
    }
    if (attempt < TRIES) await sleep(250 * 2 ** attempt)
  }
  throw new UpstreamUnavailable(`${url} could not be asked ${TRIES} times in a row: ${last}`)
}

/** The body as text. It is counted as it is unpacked: an upstream's answer has no end, if it likes. */
async function textOf(url: string, response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > NARINFO_LIMIT)
      throw new UpstreamUnavailable(
        `${url} answers with more than ${NARINFO_LIMIT} bytes: that is no narinfo`,
      )
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
