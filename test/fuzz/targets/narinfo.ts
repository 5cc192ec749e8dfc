import { isDeepStrictEqual } from 'node:util'
import {
  fingerprint,
  formatNarInfo,
  InvalidNarInfo,
  type NarInfo,
  parseNarInfo,
} from '../../../nix/narinfo.ts'
import { type PublicKey, verify } from '../../../nix/signature.ts'
import { mutateNarInfo } from '../mutate-narinfo.ts'
import { isCanonical, readAsNix } from '../narinfo-model.ts'
import { must, type Target, taken } from '../target.ts'

/** What is under test. */
export interface NarInfoCode {
  parse: typeof parseNarInfo
  format: typeof formatNarInfo
  fingerprint: typeof fingerprint
}

/**
 * Narinfos: what is taken says the same to Nix, is the same when it is written and read again, byte for byte when Nix could have written it; and its
 * signatures count only when they were made for it.
 * @param real the narinfos that were signed with these keys
 */
export function narInfoTarget(
  real: readonly Buffer[],
  keys: PublicKey[],
  code: NarInfoCode = { parse: parseNarInfo, format: formatNarInfo, fingerprint },
): Target {
  const originals = real.map((bytes) => parseNarInfo(bytes.toString('utf8')))
  const signed = new Map(originals.map((info) => [signedFields(info), new Set(info.signatures)]))
  return {
    name: 'narinfo',
    mutate: mutateNarInfo,
    check(input) {
      const text = input.toString('utf8')
      const info = taken(() => code.parse(text), [InvalidNarInfo])
      if (info === undefined) {
        must(!isCanonical(text), 'Nix could have written it, and it is refused')
        return false
      }
      checkMeaning(info, text)
      const written = code.format(info)
      if (isCanonical(text)) must(written === text, `it is written again as\n${written}`)
      const again = code.parse(written)
      must(
        isDeepStrictEqual(again, { ...info, references: [...new Set(info.references)].sort() }),
        `read again it is another one:\n${written}`,
      )
      checkSignatures(info)
      return true
    },
  }

  function checkSignatures(info: NarInfo): void {
    const ours = signed.get(signedFields(info))
    for (const signature of info.signatures) {
      const isOurs = ours?.has(signature) === true
      const by = verify(code.fingerprint(info), signature, keys)
      must(
        (by !== undefined) === isOurs,
        `the signature ${signature} ${isOurs ? 'does not count' : 'counts'}`,
      )
    }
  }
}

/** What a signature covers, in a form of its own. */
function signedFields({ storePath, narHash, narSize, references }: NarInfo): string {
  return JSON.stringify([storePath, narHash, narSize, [...new Set(references)].sort()])
}

/** Nix must understand what we understood. */
function checkMeaning(info: NarInfo, text: string): void {
  const nix = readAsNix(text)
  must(nix !== undefined, 'Nix calls it corrupt')
  const field = (name: string): string | undefined => nix.fields.get(name)
  const same = (name: string, ours: string | undefined, theirs: string | undefined): void =>
    must(ours === theirs, `${name} is ${ours} to us, and ${theirs} to Nix`)
  const hash = (name: string, ours: string | undefined): void => {
    const theirs = field(name)
    // other encodings become this one
    if (theirs === undefined || /^sha256:[0-9a-z]{52}$/.test(theirs)) same(name, ours, theirs)
  }
  same('StorePath', info.storePath, field('StorePath'))
  same('URL', info.url, field('URL'))
  same('Compression', info.compression, field('Compression') || 'bzip2')
  hash('FileHash', info.fileHash)
  hash('NarHash', info.narHash)
  same('FileSize', info.fileSize?.toString(), field('FileSize'))
  same('NarSize', info.narSize.toString(), field('NarSize'))
  same('References', info.references.map(baseName).join(' '), field('References') ?? '')
  const deriver = field('Deriver')
  same('Deriver', info.deriver && baseName(info.deriver), deriver === 'unknown-deriver' ? undefined : deriver)
  same('CA', info.ca, field('CA') || undefined)
  must(
    isDeepStrictEqual(new Set(info.signatures), nix.signatures),
    'it has other signatures to us than to Nix',
  )
}

function baseName(path: string): string {
  return path.slice('/nix/store/'.length)
}
