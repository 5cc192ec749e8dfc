import { type NarNode, type NarSource, writeNar } from '../../../nix/nar-writer.ts'

/** A tree in memory: bytes are a file, `exe` makes it executable, a string is a link's target, a record a directory. Names are byte strings. */
export type Tree = Uint8Array | { exe: Uint8Array } | string | Map<string, Tree>

export function directory(entries: Record<string, Tree>): Tree {
  return new Map(Object.entries(entries))
}

/** Serves a tree as the source of a NAR; its root is `''`. Files are read in pieces of an odd length, now and then with a wait. */
export function treeSource(root: Tree, caseHack = false): NarSource {
  const find = (path: string): Tree => {
    let tree = root
    for (const name of path.split('/').slice(1)) {
      const child = tree instanceof Map ? tree.get(name) : undefined
      if (child === undefined) throw new Error(`no such file: ${path}`)
      tree = child
    }
    return tree
  }
  return {
    caseHack,
    lstat: (path) => nodeOf(find(path)),
    readdir(path) {
      const tree = find(path)
      return tree instanceof Map ? [...tree.keys()] : []
    },
    readlink(path) {
      const tree = find(path)
      return typeof tree === 'string' ? tree : ''
    },
    open(path) {
      const bytes = contentsOf(find(path))
      let at = 0
      const read = (into: Uint8Array): number => {
        const piece = bytes.subarray(at, at + Math.min(into.length, 70_001))
        into.set(piece)
        at += piece.length
        return piece.length
      }
      return {
        read: (into) => (at % 2 === 0 ? read(into) : Promise.resolve(read(into))),
        close: () => undefined,
      }
    },
  }
}

/** The whole NAR that `writeNar` makes of a source's root. */
export async function narOf(source: NarSource): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of writeNar('', source)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function nodeOf(tree: Tree): NarNode {
  if (tree instanceof Map) return { type: 'directory' }
  if (typeof tree === 'string') return { type: 'symlink' }
  return { type: 'regular', executable: !(tree instanceof Uint8Array), size: contentsOf(tree).length }
}

function contentsOf(tree: Tree): Uint8Array {
  if (tree instanceof Uint8Array) return tree
  return typeof tree === 'object' && 'exe' in tree ? tree.exe : new Uint8Array()
}

/** The words of a NAR as bytes: strings are byte strings, numbers the size before contents, bytes the contents themselves. */
export function narBytes(...words: (string | number | Uint8Array)[]): Buffer {
  return Buffer.concat(
    words.flatMap((word) => {
      if (typeof word === 'number') return [u64(word)]
      const bytes = typeof word === 'string' ? Buffer.from(word, 'latin1') : word
      const padding = Buffer.alloc(-bytes.length & 7)
      return typeof word === 'string' ? [u64(bytes.length), bytes, padding] : [bytes, padding]
    }),
  )
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
