import { describe, expect, test } from 'vitest'
import { addSignatures } from '../../../../../functions/publish/keys/add-signatures.ts'
import { fingerprint, formatNarInfo, type NarInfo, parseNarInfo } from '../../../../../nix/narinfo.ts'
import { generateSecretKey, publicKeyOf, type SecretKey, sign, verify } from '../../../../../nix/signature.ts'
import { parseStorePath } from '../../../../../nix/store-path.ts'

const [one, two, three, stranger] = ['acme-1', 'acme-2', 'acme-3', 'evil-1'].map(generateSecretKey) as [
  SecretKey,
  SecretKey,
  SecretKey,
  SecretKey,
]
const impostor = generateSecretKey('acme-1')
const HASH = '0c6kzph7l0dcbfmjap64f0czdafn3b7x'
const KEY = `${HASH}.narinfo`

function narinfo(signers: SecretKey[], more: Partial<NarInfo> = {}): string {
  const info: NarInfo = {
    storePath: parseStorePath(`/nix/store/${HASH}-hello`),
    url: `nar/${'1'.repeat(52)}.nar.zst`,
    compression: 'zstd',
    narHash: `sha256:${'0'.repeat(52)}`,
    narSize: 96,
    references: [parseStorePath(`/nix/store/${HASH}-hello`)],
    deriver: parseStorePath(`/nix/store/${'a'.repeat(32)}-hello.drv`),
    signatures: [],
    ...more,
  }
  return formatNarInfo({ ...info, signatures: signers.map((key) => sign(fingerprint(info), key)) })
}
const add = (text: string | Uint8Array, keys: SecretKey[], key = KEY) =>
  addSignatures(key, typeof text === 'string' ? Buffer.from(text) : text, keys)
const signersOf = (text: string): (string | undefined)[] => {
  const info = parseNarInfo(text)
  const keys = [one, two, three].map(publicKeyOf)
  return info.signatures.map((signature) => verify(fingerprint(info), signature, keys))
}

describe('every key signs what one of them has signed', () => {
  test.each<[string, SecretKey[], SecretKey[], string[]]>([
    ['one of two', [one], [one, two], ['acme-1', 'acme-2']],
    ['the newer one of two', [two], [one, two], ['acme-2', 'acme-1']],
    ['one of three', [two], [one, two, three], ['acme-2', 'acme-1', 'acme-3']],
  ])('%s', (_, signers, keys, expected) => {
    const before = narinfo(signers)
    const after = add(before, keys)
    if (after.kind !== 'signed') throw new Error(`it is ${after.kind}`)
    const text = Buffer.from(after.bytes).toString('utf8')
    expect(signersOf(text)).toEqual(expected)
    // taking the new lines away gives the very bytes of before
    const lines = text.split('\n').filter((line) => !line.startsWith('Sig:') || before.includes(line))
    expect(lines.join('\n')).toBe(before)
  })

  test.each<[string, string]>([
    ['fields behind the signatures', `${narinfo([one])}CA: text:sha256:abc\nWhatever: 1\n`],
    ['a signature first', narinfo([one]).replace(/^([\s\S]*)(Sig: .*\n)$/, '$2$1')],
    ['fields in another order', narinfo([one]).split('\n').slice(0, -1).toReversed().join('\n') + '\n'],
    ['a signature of somebody else beside ours', narinfo([stranger, one])],
    ['a NarHash in base16', narinfo([one]).replace(/NarHash: .*/, `NarHash: sha256:${'0'.repeat(64)}`)],
  ])('%s stay where they are', (_, before) => {
    const after = add(before, [one, two])
    if (after.kind !== 'signed') throw new Error(JSON.stringify(after))
    const text = Buffer.from(after.bytes).toString('utf8')
    const added = text.split('\n').filter((line) => line.startsWith('Sig: acme-2:'))
    expect(added).toHaveLength(1)
    expect(text.replace(`${added[0]}\n`, '')).toBe(before)
    expect(signersOf(text)).toContain('acme-2')
  })
})

describe('what has every signature is left alone', () => {
  test.each<[string, SecretKey[], SecretKey[]]>([
    ['of one key', [one], [one]],
    ['of two keys', [one, two], [one, two]],
    ['of a key that is retired, and of the one that is left', [one, two], [two]],
  ])('%s', (_, signers, keys) => {
    expect(add(narinfo(signers), keys)).toEqual({ kind: 'complete' })
  })
})

describe('what no key of ours has signed is never signed', () => {
  const tampered = narinfo([one]).replace('NarSize: 96', 'NarSize: 97')
  test.each<[string, string | Uint8Array, string?]>([
    ['no signature', narinfo([])],
    ['somebody else’s', narinfo([stranger])],
    ['a key of the same name', narinfo([impostor])],
    ['only a retired key', narinfo([three])],
    ['another size than was signed', tampered],
    ['another path than was signed', narinfo([one]).replace('-hello\n', '-hallo\n')],
    [
      'a reference more than was signed',
      narinfo([one]).replace('References: ', `References: ${'b'.repeat(32)}-x `),
    ],
    ['another path’s place', narinfo([one]), `${'b'.repeat(32)}.narinfo`],
    ['no narinfo', 'hello\n'],
    ['a narinfo that is cut short', narinfo([one]).slice(0, -1)],
    [
      'bytes that are no text',
      Buffer.concat([Buffer.from(narinfo([one])), Buffer.from([0x58, 0x3a, 0x20, 0xff, 0x0a])]),
    ],
    ['nothing', ''],
  ])('%s', (_, text, key = KEY) => {
    expect(add(text, [one, two], key).kind).toBe('foreign')
  })
})
