import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { UnprovenPath, type VerifiedArchive, verifyArchive } from '../../../nix/archive-verification.ts'
import { checkDerivation, parseDerivationFile } from '../../../nix/derivation-file.ts'
import { InvalidDerivation, parseDerivation } from '../../../nix/derivation.ts'
import { ArchiveTooLarge, InvalidArchive } from '../../../nix/export-archive.ts'
import { parseHash } from '../../../nix/hash.ts'
import { InvalidNar, NarReader } from '../../../nix/nar-reader.ts'
import { fingerprint, formatNarInfo, InvalidNarInfo, parseNarInfo } from '../../../nix/narinfo.ts'
import { parsePublicKey, parseSecretKey, verify } from '../../../nix/signature.ts'
import {
  fromBaseName,
  InvalidStorePath,
  isStorePath,
  parseStorePath,
  type StorePath,
} from '../../../nix/store-path.ts'
import { inputOf, run } from '../../fuzz/execution.ts'
import { minimise } from '../../fuzz/minimise.ts'
import { decodeNar, type Node } from '../../fuzz/nar-model.ts'
import type { Target } from '../../fuzz/target.ts'
import { loadSubjects } from '../../fuzz/targets.ts'
import { archiveTarget, type VerifyArchive } from '../../fuzz/targets/archive.ts'
import { derivationTarget } from '../../fuzz/targets/derivation.ts'
import { hashTarget } from '../../fuzz/targets/hash.ts'
import { keyTarget } from '../../fuzz/targets/key.ts'
import { narTarget, type ReadNar } from '../../fuzz/targets/nar.ts'
import { narInfoTarget } from '../../fuzz/targets/narinfo.ts'
import { storePathTarget } from '../../fuzz/targets/store-path.ts'

const corpus = join(import.meta.dirname, '../../fuzz/corpus')
const subjects = new Map(loadSubjects().map((subject) => [subject.target.name, subject]))
const keys = readFileSync(join(corpus, 'public-keys'), 'utf8').trim().split('\n')
const narinfos = subjects.get('narinfo')?.real ?? []
const [info] = narinfos.map((bytes) => parseNarInfo(bytes.toString('utf8')))
const signed = {
  fingerprint: info === undefined ? '' : fingerprint(info),
  publicKeys: keys,
  signatures: info?.signatures ?? [],
}
const derivations = new Map(
  readdirSync(join(corpus, 'derivation')).map((name): [StorePath, Buffer] => [
    fromBaseName(name),
    readFileSync(join(corpus, 'derivation', name)),
  ]),
)

const narInfoWith = (code: Partial<Parameters<typeof narInfoTarget>[2]>): Target =>
  narInfoTarget(narinfos, keys.map(parsePublicKey), {
    parse: parseNarInfo,
    format: formatNarInfo,
    fingerprint,
    ...code,
  })
const derivationWith = (code: Partial<Parameters<typeof derivationTarget>[1]>): Target =>
  derivationTarget(derivations, {
    parse: parseDerivation,
    parseFile: parseDerivationFile,
    check: checkDerivation,
    ...code,
  })
const keyWith = (code: Partial<Parameters<typeof keyTarget>[1]>): Target =>
  keyTarget(signed, { parsePublic: parsePublicKey, parseSecret: parseSecretKey, verify, ...code })
const looseNar: ReadNar = (pieces, visitor) => {
  const tree = decodeNar(Buffer.concat(pieces))
  if (tree === undefined) throw new InvalidNar('no NAR', 0)
  tell(tree, '', visitor)
}

/** Mutations of the real code, each with one of the bugs that such code has had somewhere. */
const BUGS: [bug: string, target: Target][] = [
  ['narinfo: of two fields the first counts', narInfoWith({ parse: (text) => parseNarInfo(onceEach(text)) })],
  [
    'narinfo: what follows a NUL is not read',
    narInfoWith({ parse: (text) => parseNarInfo(text.replace(/\0[^\n]*/g, '')) }),
  ],
  [
    'narinfo: white space does not matter',
    narInfoWith({ parse: (text) => parseNarInfo(text.replace(/ +$/gm, '')) }),
  ],
  [
    'narinfo: a reference is lost when it is written',
    narInfoWith({ format: (each) => formatNarInfo({ ...each, references: each.references.slice(1) }) }),
  ],
  [
    'narinfo: the signature does not cover NarSize',
    narInfoWith({ fingerprint: (each) => fingerprint({ ...each, narSize: 1 }) }),
  ],
  [
    'narinfo: the signature does not cover the path',
    narInfoWith({
      fingerprint: (each) =>
        fingerprint({ ...each, storePath: parseStorePath(`/nix/store/${'0'.repeat(32)}-x`) }),
    }),
  ],
  [
    'narinfo: everything is refused',
    narInfoWith({
      parse: () => {
        throw new InvalidNarInfo('no')
      },
    }),
  ],
  ['derivation: any escape is taken', derivationWith({ parseFile: (bytes) => ({ ...looseFile(bytes) }) })],
  [
    'derivation: an unknown error',
    derivationWith({ parse: (text) => (text.length % 97 === 0 ? JSON.parse('') : parseDerivation(text)) }),
  ],
  ['derivation: any bytes go for a path', derivationWith({ check: (_path, bytes) => looseFile(bytes) })],
  ['NAR: neither order nor padding is looked at', narTarget([], looseNar)],
  ['NAR: names are not looked at', narTarget([], (pieces, visitor) => readRenamed(pieces, visitor))],
  [
    'NAR: it may go on behind its end',
    narTarget([], (pieces, visitor) => {
      const reader = new NarReader(visitor)
      for (const piece of pieces) reader.take(piece)
      reader.end()
    }),
  ],
  [
    'NAR: pieces shorter than a word are lost',
    narTarget([], (pieces, visitor) => {
      const reader = new NarReader(visitor)
      for (const piece of pieces) if (piece.length !== 1) reader.write(piece)
      reader.end()
    }),
  ],
  ['archive: what a path proves is not looked at', archiveTarget(taking(UnprovenPath))],
  ['archive: it may go on behind its end', archiveTarget(taking(InvalidArchive, 'bytes follow its end'))],
  ['archive: a path may come twice', archiveTarget(taking(UnprovenPath, 'twice'))],
  [
    'archive: pieces shorter than a word are lost',
    archiveTarget((bytes, limits) =>
      verifyArchive(
        [...(bytes as Iterable<Uint8Array>)].filter((piece) => piece.length !== 1),
        limits,
      ),
    ),
  ],
  [
    'archive: its size is not looked at',
    archiveTarget((bytes, limits) => verifyArchive(bytes, { ...limits, maxSize: 2 ** 20 })),
  ],
  [
    'archive: an unknown error',
    archiveTarget(async (bytes, limits) => {
      const archive = await verifyArchive(bytes, limits)
      if (archive.sources.size === 1) throw new RangeError('one')
      return archive
    }),
  ],
  [
    'archive: everything is refused',
    archiveTarget(async () => {
      throw new ArchiveTooLarge(0)
    }),
  ],
  [
    'key: base64 may be sloppy',
    keyWith({ verify: (text, signature, all) => verify(text, signature.replace(/=*$/, '=='), all) }),
  ],
  [
    'key: white space around a signature',
    keyWith({ verify: (text, signature, all) => verify(text, signature.trim(), all) }),
  ],
  [
    'hash: base16 may be longer',
    hashTarget((text, algorithm) => parseHash(text.replace(/^(sha1:\w{40})\w*$/, '$1'), algorithm)),
  ],
  [
    'hash: an unknown error',
    hashTarget((text, algorithm) => {
      if (text.includes('-Z')) throw new RangeError(text)
      return parseHash(text, algorithm)
    }),
  ],
  [
    'store path: dots are allowed',
    storePathTarget((text) => {
      if (/^\/nix\/store\/[0-9a-df-np-sv-z]{32}-\.\.?$/.test(text)) return text as StorePath
      return parseStorePath(text)
    }),
  ],
  [
    'store path: a newline at the end',
    storePathTarget((text) => {
      const path = text.replace(/\n$/, '')
      if (!isStorePath(path)) throw new InvalidStorePath(text, 'no')
      return path
    }),
  ],
]

// Enough for each of them several times over.
const EXECUTIONS = 20_000

describe('the fuzzer finds', () => {
  test.each(BUGS)('%s', async (_, target) => {
    const subject = { target, real: subjects.get(target.name)?.real ?? [], regressions: [] }
    let found = -1
    for (let index = 0; index < EXECUTIONS && found < 0; index++)
      if ((await run(subject, inputOf({ seed: 1, target: target.name, index }, subject))).error !== undefined)
        found = index
    expect(found).toBeGreaterThanOrEqual(0)
  })
})

describe('minimise', () => {
  test.each([
    ['one byte', 'abcdefXghijkl', (text: string) => text.includes('X'), 'X'],
    ['two far from each other', `X${'-'.repeat(1000)}Y`, (text: string) => /X.*Y/.test(text), 'XY'],
    ['everything', 'abc', (text: string) => text === 'abc', 'abc'],
    ['nothing', 'abc', () => true, ''],
  ])('%s', async (_, text, isFinding, smallest) => {
    const minimised = await minimise(Buffer.from(text), async (bytes) => isFinding(bytes.toString()))
    expect(minimised.toString()).toBe(smallest)
  })
})

function onceEach(text: string): string {
  const names = new Set<string>()
  return text
    .split('\n')
    .filter((line) => {
      const [name = ''] = line.split(':', 1)
      const isFirst = name === 'Sig' || !names.has(name)
      names.add(name)
      return isFirst
    })
    .join('\n')
}

/** Takes what is refused with this error for an archive of nothing. */
function taking(refusal: typeof UnprovenPath | typeof InvalidArchive, message = ''): VerifyArchive {
  return async (bytes, limits): Promise<VerifiedArchive> => {
    try {
      return await verifyArchive(bytes, limits)
    } catch (error) {
      if (!(error instanceof refusal) || !error.message.includes(message)) throw error
      return { derivations: new Map(), sources: new Map() }
    }
  }
}

/** Reads a derivation to be hashed without asking whether Nix would have written it so. */
function looseFile(
  bytes: Uint8Array,
): Exclude<ReturnType<typeof parseDerivationFile>, { unsupported: string }> {
  const drv = parseDerivation(Buffer.from(bytes).toString('latin1'))
  const strict = parseDerivationFile(derivations.values().next().value ?? Buffer.alloc(0))
  if ('unsupported' in strict) throw new InvalidDerivation('unsupported', 0)
  return { ...drv, text: strict.text }
}

/** Tells a visitor of a tree, whatever its names are. */
function tell(node: Node, path: string, visitor: Parameters<ReadNar>[1]): void {
  if (node.type === 'symlink') visitor.entry?.({ type: 'symlink', path, target: node.target })
  if (node.type === 'regular') {
    visitor.entry?.({ type: 'regular', path, executable: node.executable, size: node.contents.length })
    visitor.contents?.(node.contents)
  }
  if (node.type !== 'directory') return
  visitor.entry?.({ type: 'directory', path })
  for (const [name, child] of node.entries) tell(child, path === '' ? name : `${path}/${name}`, visitor)
}

/** Reads a NAR as if each name `..` were `--`, which sorts nearly the same. */
function readRenamed(pieces: Buffer[], visitor: Parameters<ReadNar>[1]): void {
  const text = Buffer.concat(pieces)
    .toString('latin1')
    .replaceAll('\x02\0\0\0\0\0\0\0..', '\x02\0\0\0\0\0\0\0--')
  const reader = new NarReader(visitor)
  reader.write(Buffer.from(text, 'latin1'))
  reader.end()
}
