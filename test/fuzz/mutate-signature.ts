import type { Random } from './random.ts'

/** The order of Ed25519's group: adding it to the second half of a signature gives another one that a careless verifier takes (RFC 8032, section 5.1.7). */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

/** `<name>:<base64>` in another form: what some verifier somewhere has taken for the same signature or key, and what none should. */
export function malleable(text: string, random: Random): string {
  const colon = text.indexOf(':')
  const [name, base64] = [text.slice(0, colon), text.slice(colon + 1)]
  const bytes = Buffer.from(base64, 'base64')
  const flipped = Buffer.from(bytes)
  if (flipped.length > 0) {
    const at = random.below(flipped.length)
    flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8))
  }
  return random.pick([
    `${name}:${withOrderAdded(bytes).toString('base64')}`,
    `${name}:${flipped.toString('base64')}`,
    `${name}:${base64.replace(/=+$/, '')}`,
    `${name}:${base64}=`,
    `${name}:${base64} `,
    ` ${name}:${base64}`,
    `${name}:${base64.replaceAll('+', '-').replaceAll('/', '_')}`,
    `${name}:${spareBits(base64)}`,
    `${name}:${base64.slice(0, 20)}\u00a0${base64.slice(20)}`,
    `${name}:${bytes.subarray(0, -1).toString('base64')}`,
    `${name}:${Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64')}`,
    `${name}:${Buffer.alloc(bytes.length).toString('base64')}`,
    `${name.replace(/\d$/, (digit) => String(3 - Number(digit)))}:${base64}`,
    `${name}::${base64}`,
    `${name}:${name}:${base64}`,
    base64,
    `:${base64}`,
    `${name}:`,
  ])
}

function withOrderAdded(signature: Buffer): Buffer {
  const scalar = BigInt(`0x${reversed(signature.subarray(32)).toString('hex') || '0'}`) + ORDER
  const hex = scalar.toString(16).padStart(64, '0').slice(-64)
  return Buffer.concat([signature.subarray(0, 32), reversed(Buffer.from(hex, 'hex'))])
}

function reversed(bytes: Buffer): Buffer {
  return Buffer.from(Uint8Array.from(bytes).toReversed())
}

/** The same bytes, with bits of the last digit set that stand for nothing. */
function spareBits(base64: string): string {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  return base64.replace(/(.)(=+)$/, (_, last: string, padding: string) => {
    return `${digits.charAt(digits.indexOf(last) | 1)}${padding}`
  })
}
