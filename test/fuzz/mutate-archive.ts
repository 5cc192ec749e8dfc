import {
  addressedPaths,
  decodeArchive,
  encodeArchive,
  fileIn,
  type ModelPath,
  textPath,
} from './archive-model.ts'
import { bounded } from './mutate-bytes.ts'
import { mutateDerivation } from './mutate-derivation.ts'
import { mutateNar } from './mutate-nar.ts'
import { encodeNar } from './nar-model.ts'
import type { Random } from './random.ts'

const NAMES = ['x', '.x', '..', '..-x', 'x.drv', 'a/b', 'a\0b', '', 'x'.repeat(211), 'x'.repeat(212), 'x y']
const NO_PATHS = ['', '/etc/passwd', '/nix/store/../../etc/passwd', 'unknown-deriver', '/nix/store/x']

/**
 * One mutation of the paths of an archive. Nearly all of them forge something, and are refused for it; so every other time the names of all paths are made to
 * fit what they have become, as an attacker would, and what is left to refuse is the form, the order and what a derivation says.
 */
export function mutateArchive(bytes: Buffer, random: Random, corpus: readonly Buffer[]): Buffer {
  const paths = decodeArchive(bytes)
  const other = decodeArchive(random.pick(corpus))
  if (paths === undefined || other === undefined || paths.length === 0 || other.length === 0) return bytes
  const mutated = random.pick(MUTATIONS)(paths, random, other)
  return bounded(encodeArchive(random.oneIn(2) ? mutated : renamed(mutated, random)))
}

type Mutation = (paths: ModelPath[], random: Random, other: ModelPath[]) => ModelPath[]

const MUTATIONS: Mutation[] = [
  // a path goes, or comes, or stands twice
  (paths, random) => paths.toSpliced(random.below(paths.length), 1),
  (paths, random, other) => paths.toSpliced(random.below(paths.length + 1), 0, random.pick(other)),
  (paths, random) => [...paths, random.pick(paths)],
  (paths, _, other) => [...paths, ...other],
  // they stand in another order
  (paths, random) => paths.toSorted(() => random.below(3) - 1),
  (paths) => paths.toReversed(),
  // it refers to more, to less, to itself, or says so in another order
  changed((path, random, paths) => ({
    ...path,
    references: withOne(path.references, random.pick(paths).path),
  })),
  changed((path) => ({ ...path, references: withOne(path.references, path.path) })),
  changed((path, random) => ({
    ...path,
    references: path.references.toSpliced(random.below(path.references.length), 1),
  })),
  changed((path) => ({ ...path, references: path.references.toReversed() })),
  changed((path, random) => ({ ...path, references: [...path.references, random.pick(NO_PATHS)] })),
  // it is called something else
  changed((path, random, paths) => ({ ...path, path: random.pick(paths).path })),
  changed((path, random) => ({ ...path, path: `${path.path.slice(0, 44)}${random.pick(NAMES)}` })),
  changed((path, random) => ({ ...path, path: random.pick(NO_PATHS) })),
  changed((path) => ({ ...path, path: `${path.path}.drv` })),
  changed((path) => ({ ...path, path: path.path.replace(/\.drv$/, '') })),
  // somebody else made it, or signed it
  changed((path, random, paths) => ({
    ...path,
    deriver: random.pick([...NO_PATHS, random.pick(paths).path]),
  })),
  changed((path, random) => ({ ...path, signature: 'x'.repeat(random.pick([0, 1, 7, 8, 4096, 4097])) })),
  // it has other contents
  changed((path, random, paths) => ({ ...path, nar: random.pick(paths).nar })),
  changed((path, random, paths) => ({
    ...path,
    nar: mutateNar(
      path.nar,
      random,
      paths.map(({ nar }) => nar),
    ),
  })),
  changed((path, random, paths) => {
    const contents = fileIn(path.nar)
    if (contents === undefined) return path
    const files = paths.flatMap(({ nar }) => fileIn(nar) ?? [])
    return { ...path, nar: fileNar(mutateDerivation(contents, random, files)) }
  }),
  changed((path, random) => ({
    ...path,
    nar: encodeNar({
      type: 'regular',
      executable: random.oneIn(4),
      contents: Buffer.from(random.oneIn(2) ? path.path : 'x'.repeat(random.below(100))),
    }),
  })),
]

/** Changes one of the paths. */
function changed(change: (path: ModelPath, random: Random, paths: ModelPath[]) => ModelPath): Mutation {
  return (paths, random) => {
    const at = random.below(paths.length)
    const path = paths[at]
    return path === undefined ? paths : paths.with(at, change(path, random, paths))
  }
}

function withOne(references: string[], more: string): string[] {
  return [...new Set([...references, more])].toSorted()
}

/** Gives each path the name that its contents and its references make, and lets whatever comes behind it mention that one. */
function renamed(paths: ModelPath[], random: Random): ModelPath[] {
  const names = new Map<string, string>()
  const replaced = (text: string): string => {
    let result = text
    for (const [before, after] of names) result = result.replaceAll(before, after)
    return result
  }
  return paths.map((path) => {
    const current = {
      ...path,
      nar: Buffer.from(replaced(path.nar.toString('latin1')), 'latin1'),
      references: [...new Set(path.references.map(replaced))].toSorted(),
    }
    const file = fileIn(current.nar)
    const proved =
      path.path.endsWith('.drv') && file !== undefined
        ? textPath(path.path.slice(44), file, current.references)
        : random.pick(addressedPaths(current))
    const [before, after] = [path.path.slice(11, 43), proved.slice(11, 43)]
    if (/^[0-9a-z]{32}$/.test(before)) names.set(before, after)
    if (!current.references.includes(path.path)) return { ...current, path: proved }
    return {
      ...current,
      path: proved,
      nar: Buffer.from(current.nar.toString('latin1').replaceAll(before, after), 'latin1'),
      references: current.references
        .map((reference) => (reference === path.path ? proved : reference))
        .toSorted(),
    }
  })
}

function fileNar(contents: Buffer): Buffer {
  return encodeNar({ type: 'regular', executable: false, contents })
}
