/** Nix's digits: no `e`, `o`, `t`, `u`, so that a hash spells no words. Source: Nix, `nix32Chars` in src/libutil. */
const DIGITS = '0123456789abcdfghijklmnpqrsvwxyz'

export const NO_DIGIT = 255
/** The value of each byte as a digit of nix32; `NO_DIGIT` where it is none. */
export const DIGIT_VALUES = new Uint8Array(256).fill(NO_DIGIT)
for (let value = 0; value < DIGITS.length; value++) DIGIT_VALUES[DIGITS.charCodeAt(value)] = value

/** Text that is not the nix32 form of any bytes. */
export class InvalidBase32 extends Error {
  override name = 'InvalidBase32'
}

/**
 * Bytes as nix32, Nix's own base 32: the last digit of the text holds the lowest five bits of the first byte. There is no padding: n bytes take
 * ⌈8n/5⌉ characters. Source: Nix manual, "Nix32 encoding".
 */
export function encodeBase32(bytes: Uint8Array): string {
  let text = ''
  for (let digit = encodedLength(bytes.length) - 1; digit >= 0; digit--) {
    const bit = digit * 5
    const at = bit >>> 3
    const pair = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)
    text += DIGITS.charAt((pair >>> (bit & 7)) & 31)
  }
  return text
}

/**
 * The bytes that a nix32 text stands for. The form is canonical: exactly one text is accepted for the same bytes.
 * @throws InvalidBase32 for a character that is no digit, a length that no bytes have, and spare bits that are not zero
 */
export function decodeBase32(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  if (encodedLength(bytes.length) !== text.length) {
    throw new InvalidBase32(`'${text}' is no nix32: no number of bytes takes ${text.length} characters`)
  }
  for (let digit = 0; digit < text.length; digit++) {
    const position = text.length - 1 - digit
    const value = DIGIT_VALUES[text.charCodeAt(position)] ?? NO_DIGIT
    if (value === NO_DIGIT)
      throw new InvalidBase32(`'${text}' is no nix32: character ${position} is no digit of it`)
    const bit = digit * 5
    const at = bit >>> 3
    const shifted = value << (bit & 7)
    bytes[at] = (bytes[at] ?? 0) | (shifted & 255)
    const carry = shifted >>> 8
    if (at + 1 < bytes.length) bytes[at + 1] = carry
    else if (carry !== 0) throw new InvalidBase32(`'${text}' is no nix32: its spare bits are not zero`)
  }
  return bytes
}

function encodedLength(bytes: number): number {
  return Math.ceil((bytes * 8) / 5)
}
