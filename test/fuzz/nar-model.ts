/** An object of a NAR. Names and targets are byte strings, one character per byte; entries stand in the order of the NAR. */
export type Node =
  | { type: 'regular'; executable: boolean; contents: Buffer }
  | { type: 'symlink'; target: string }
  | { type: 'directory'; entries: [name: string, node: Node][] }

class NoNar extends Error {}

// Nix's own bounds, as in nix/nar-grammar.ts.
const MAX_DEPTH = 64
const MAX_NAME = 255
const MAX_TARGET = 4095

/** The tree of a NAR and nothing else: see `decodeNarBefore`. Undefined for what is not even that. */
export function decodeNar(bytes: Buffer): Node | undefined {
  const found = decodeNarBefore(bytes)
  return found?.end === bytes.length ? found.root : undefined
}

/**
 * Reads a NAR the simple way, with all of it in memory, and as loosely as it can: it looks neither at padding nor at the order or the form of names. Shares
 * nothing with `nix/nar-reader.ts`.
 * @param bytes the NAR, and whatever follows it
 * @returns undefined for what does not begin with a NAR
 */
export function decodeNarBefore(bytes: Buffer): { root: Node; end: number } | undefined {
  let at = 0
  const take = (): Buffer => {
    if (at + 8 > bytes.length) throw new NoNar()
    const length = bytes.readBigUInt64LE(at)
    if (length > BigInt(bytes.length - at - 8)) throw new NoNar()
    const start = at + 8
    at = Math.min(bytes.length, start + Math.ceil(Number(length) / 8) * 8)
    return bytes.subarray(start, start + Number(length))
  }
  const word = (): string => take().toString('latin1')
  const expect = (expected: string): void => {
    if (word() !== expected) throw new NoNar()
  }
  const node = (depth: number): Node => {
    if (depth >= MAX_DEPTH) throw new NoNar()
    expect('(')
    expect('type')
    const type = word()
    if (type === 'regular') {
      let key = word()
      const executable = key === 'executable'
      if (executable) {
        expect('')
        key = word()
      }
      if (key !== 'contents') throw new NoNar()
      const contents = take()
      expect(')')
      return { type, executable, contents }
    }
    if (type === 'symlink') {
      expect('target')
      const target = word()
      expect(')')
      return { type, target }
    }
    if (type !== 'directory') throw new NoNar()
    const entries: [string, Node][] = []
    for (let key = word(); key !== ')'; key = word()) {
      if (key !== 'entry') throw new NoNar()
      expect('(')
      expect('name')
      const name = word()
      expect('node')
      entries.push([name, node(depth + 1)])
      expect(')')
    }
    return { type, entries }
  }
  try {
    expect('nix-archive-1')
    const root = node(0)
    return { root, end: at }
  } catch (error) {
    if (error instanceof NoNar) return undefined
    throw error
  }
}

/** The one NAR of a tree: entries sorted by bytes, one for each name, zeros as padding. */
export function encodeNar(root: Node): Buffer {
  const parts: Buffer[] = []
  const put = (bytes: Buffer): void => {
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(bytes.length))
    parts.push(length, bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8))
  }
  const words = (...all: string[]): void => {
    for (const word of all) put(Buffer.from(word, 'latin1'))
  }
  const write = (node: Node): void => {
    words('(', 'type', node.type)
    if (node.type === 'regular') {
      if (node.executable) words('executable', '')
      words('contents')
      put(node.contents)
    } else if (node.type === 'symlink') {
      words('target', node.target)
    } else {
      for (const [name, child] of [...new Map(node.entries)].sort(([a], [b]) =>
        Buffer.from(a, 'latin1').compare(Buffer.from(b, 'latin1')),
      )) {
        words('entry', '(', 'name', name, 'node')
        write(child)
        words(')')
      }
    }
    words(')')
  }
  words('nix-archive-1')
  write(root)
  return Buffer.concat(parts)
}

/** Whether a Unix file system can hold the tree, and every client of a cache may: the names and targets that Nix allows. */
export function isWritable(node: Node): boolean {
  if (node.type === 'regular') return true
  if (node.type === 'symlink')
    return node.target.length > 0 && node.target.length <= MAX_TARGET && !node.target.includes('\0')
  return node.entries.every(
    ([name, child]) =>
      !['', '.', '..'].includes(name) &&
      name.length <= MAX_NAME &&
      !/[/\0]/.test(name) &&
      !name.includes('~nix~case~hack~') &&
      isWritable(child),
  )
}

/** Every object of a tree in the order of a NAR, as a line of text each: what a reader should have reported. */
export function describeTree(node: Node, path = ''): string[] {
  const name = JSON.stringify(Buffer.from(path, 'latin1').toString('utf8'))
  switch (node.type) {
    case 'regular':
      return [`${node.executable ? 'executable' : 'regular'} ${name} ${node.contents.toString('base64')}`]
    case 'symlink':
      return [`symlink ${name} ${JSON.stringify(Buffer.from(node.target, 'latin1').toString('utf8'))}`]
    case 'directory':
      return [
        `directory ${name}`,
        ...node.entries.flatMap(([entry, child]) =>
          describeTree(child, path === '' ? entry : `${path}/${entry}`),
        ),
      ]
  }
}
