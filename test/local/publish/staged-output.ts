import { createHash } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import { encodeBase32 } from '../../../nix/base32.ts'
import { formatNarInfo, type NarInfo } from '../../../nix/narinfo.ts'
import type { StorePath } from '../../../nix/store-path.ts'
import { narOf, type Tree, treeSource } from '../../unit/nix/nar-tree.ts'

/** What a builder stages for one output; without any alteration it is what an honest builder stages. */
export interface Output {
  /** the content of the one file that the output is; whatever it mentions it refers to */
  text: string
  /** another content than the one file */
  tree?: Tree
  /** what the narinfo says it refers to */
  references?: StorePath[]
  /** another NAR than the text's */
  nar?: (nar: Buffer) => Buffer
  /** another file than that NAR compressed; FileHash and FileSize fit it */
  file?: (compressed: Buffer, nar: Buffer) => Buffer
  /** another file under the name that FileHash gives: the bytes are not those that the narinfo describes */
  stored?: (file: Buffer, nar: Buffer) => Buffer
  /** other words of the narinfo */
  info?: Partial<NarInfo>
  /** another text than the narinfo's */
  narinfo?: (text: string) => string
  /** nothing is staged */
  withoutNar?: true
  withoutNarInfo?: true
}

/** The bytes of a staged output, ready to be put where a builder puts them. */
export interface StagedOutput {
  info: NarInfo
  narinfo: string
  fileHash: string
  file: Buffer
}

export async function stagedOutput(path: StorePath, output: Output): Promise<StagedOutput> {
  const honest = await narOf(treeSource(output.tree ?? Buffer.from(output.text)))
  const nar = output.nar?.(honest) ?? honest
  const compressed = zstdCompressSync(nar)
  const file = output.file?.(compressed, nar) ?? compressed
  const fileHash = nix32(file)
  const info: NarInfo = {
    storePath: path,
    url: `nar/${fileHash}.nar.zst`,
    compression: 'zstd',
    fileHash: `sha256:${fileHash}`,
    fileSize: file.length,
    narHash: `sha256:${nix32(nar)}`,
    narSize: nar.length,
    references: output.references ?? [],
    signatures: [],
    ...output.info,
  }
  const text = formatNarInfo(info)
  return {
    info,
    narinfo: output.narinfo?.(text) ?? text,
    fileHash,
    file: output.stored?.(file, nar) ?? file,
  }
}

/** The NarHash of an output that is one file with this text. */
export async function narHashOf(text: string): Promise<string> {
  return `sha256:${nix32(await narOf(treeSource(Buffer.from(text))))}`
}

export function nix32(bytes: Uint8Array): string {
  return encodeBase32(createHash('sha256').update(bytes).digest())
}
