import { narBytes } from './nar-tree.ts'

/** One path of an archive; only its NAR and its name must be said. */
export interface PathToArchive {
  nar: Uint8Array
  path: string
  references?: string[]
  deriver?: string
  /** as Nix 1 wrote it */
  signature?: string
}

/** What `nix-store --export` writes of these paths, true or forged. */
export function archiveBytes(...paths: PathToArchive[]): Buffer {
  return narBytes(...paths.flatMap(pathWords), 0)
}

function pathWords({
  nar,
  path,
  references = [],
  deriver = '',
  signature,
}: PathToArchive): (string | number | Uint8Array)[] {
  const signed = signature === undefined ? [0] : [1, signature]
  return [1, nar, 0x4558494e, path, references.length, ...references, deriver, ...signed]
}

/** The NAR of one file. */
export function fileNar(contents: Uint8Array | string, executable = false): Buffer {
  const bytes = typeof contents === 'string' ? Buffer.from(contents, 'latin1') : contents
  const flag = executable ? ['executable', ''] : []
  return narBytes('nix-archive-1', '(', 'type', 'regular', ...flag, 'contents', bytes.length, bytes, ')')
}
