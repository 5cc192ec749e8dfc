import { formatHash, formatSri, InvalidHash, isHashAlgorithm, parseHash } from '../../../nix/hash.ts'
import { must, type Target, taken } from '../target.ts'

const BYTES = { md5: 16, sha1: 20, sha256: 32, sha512: 64 }

/** Hashes: whatever the form, the digest has its algorithm's length, and in each of Nix's forms it is the same one again. */
export function hashTarget(parse: typeof parseHash = parseHash): Target {
  return {
    name: 'hash',
    mutate: (bytes, random) => {
      const text = bytes.toString('latin1')
      const [algorithm = '', digest = ''] = text.split(/[:-]/)
      const at = random.below(digest.length)
      return Buffer.from(
        random.pick([
          `${random.pick(Object.keys(BYTES))}:${digest}`,
          `${algorithm}-${digest}`,
          `${algorithm}:${digest.slice(at)}${digest.slice(0, at)}`,
          `${algorithm}:${digest.toUpperCase()}`,
          `${algorithm}:${random.pick('019abefoutzAZ+/='.split(''))}${digest.slice(1)}`,
          digest,
        ]),
        'latin1',
      )
    },
    check(input) {
      const text = input.toString('utf8')
      const hash = taken(() => parse(text), [InvalidHash])
      const bare = taken(() => parse(text, 'sha256'), [InvalidHash])
      if (bare !== undefined) must(bare.algorithm === 'sha256' && bare.digest.length === 32, 'no SHA-256')
      if (hash === undefined) return bare !== undefined
      const { algorithm, digest } = hash
      must(isHashAlgorithm(algorithm) && digest.length === BYTES[algorithm], `${digest.length} bytes`)
      const forms = [formatHash(hash), formatSri(hash), `${algorithm}:${Buffer.from(digest).toString('hex')}`]
      for (const form of forms)
        must(formatHash(parse(form)) === formatHash(hash), `${form} is another hash than ${text}`)
      const base16 = text.length === algorithm.length + 1 + digest.length * 2 && text.includes(':')
      must(
        (base16
          ? [forms[2] === text.toLowerCase()]
          : [...forms, `${algorithm}:${Buffer.from(digest).toString('base64')}`].map((form) => form === text)
        ).includes(true),
        'a form of its own',
      )
      return true
    },
  }
}
