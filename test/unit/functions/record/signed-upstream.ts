import { fingerprint, formatNarInfo, type NarInfo } from '../../../../nix/narinfo.ts'
import { formatPublicKey, generateSecretKey, publicKeyOf, sign } from '../../../../nix/signature.ts'
import { hashPartOf } from '../../../../nix/store-path.ts'
import { out } from '../graphs.ts'
import { serve } from '../http-server.ts'

const KEY = generateSecretKey('upstream-1')

/** What names a path that anybody can tell by its name. */
export function hash(name: string): string {
  return hashPartOf(out(name))
}

/** A narinfo that is signed with the key of `signedUpstream`. */
export function narinfo(name: string, references: string[] = [], fileSize = 10): string {
  const info: NarInfo = {
    storePath: out(name),
    url: `nar/${name}.nar.xz`,
    compression: 'xz',
    fileSize,
    narHash: `sha256:${'0'.repeat(52)}`,
    narSize: 1000,
    references: references.map((reference) => out(reference)).toSorted(),
    signatures: [],
  }
  return formatNarInfo({ ...info, signatures: [sign(fingerprint(info), KEY)] })
}

/** An upstream that answers with these texts or statuses, by the name of the path, and says what it was asked for. */
export async function signedUpstream(
  answers: Record<string, string | number>,
): Promise<{ url: string; publicKeys: string[]; asked: string[] }> {
  const asked: string[] = []
  const byUrl = new Map(
    Object.entries(answers).map(([name, text]) => [`/${hash(name)}.narinfo`, { name, text }]),
  )
  const url = await serve(({ url: path = '' }, response) => {
    const found = byUrl.get(path)
    asked.push(found?.name ?? path)
    if (typeof found?.text !== 'string') response.writeHead(found?.text ?? 404).end()
    else response.end(found.text)
  })
  return { url, asked, publicKeys: [formatPublicKey(publicKeyOf(KEY))] }
}
