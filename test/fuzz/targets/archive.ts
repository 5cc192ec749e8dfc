import { graphOf } from '../../../functions/plan/graph-of.ts'
import {
  TooManyDerivations,
  UnprovenPath,
  type VerifiedArchive,
  verifyArchive,
} from '../../../nix/archive-verification.ts'
import { InvalidAttribute } from '../../../nix/derivation-attributes.ts'
import { ForgedDerivation, isUnsupported, parseDerivationFile } from '../../../nix/derivation-file.ts'
import { InvalidDerivation, referencesOf } from '../../../nix/derivation.ts'
import { ArchiveTooLarge, InvalidArchive, readExportArchive } from '../../../nix/export-archive.ts'
import { HASH_ALGORITHMS } from '../../../nix/hash.ts'
import { ForgedOutputs } from '../../../nix/output-kind.ts'
import { IncompleteClosure } from '../../../nix/output-paths.ts'
import {
  addressedPaths,
  decodeArchive,
  encodeArchive,
  fileIn,
  hex,
  type ModelPath,
  nix32,
  textPath,
} from '../archive-model.ts'
import { mutateArchive } from '../mutate-archive.ts'
import { decodeNar, encodeNar, isWritable } from '../nar-model.ts'
import { piecesOf } from '../pieces.ts'
import { Random, seedOf } from '../random.ts'
import { must, type Target, taken } from '../target.ts'

/** What is under test. */
export type VerifyArchive = typeof verifyArchive

// Above every input; what the limits do is asked for by itself.
const LIMITS = { maxSize: 2 ** 20, maxDerivations: 2 ** 20 }
const REFUSALS = [InvalidArchive, ForgedDerivation, UnprovenPath, ArchiveTooLarge, TooManyDerivations]

/**
 * Archives of `nix-store --export`: taken if and only if they are what Nix writes of some paths, each once, behind what it refers to, and each proved by its
 * own contents; the same whatever pieces the bytes come in, and however much of a path is kept in memory. A graph is made of what is taken, or refused by name.
 */
export function archiveTarget(verify: VerifyArchive = verifyArchive): Target {
  return {
    name: 'archive',
    mutate: mutateArchive,
    async check(input) {
      const random = new Random(seedOf(input))
      const [whole, inPieces] = [await answer(verify, [input]), await answer(verify, piecesOf(input, random))]
      must(whole.said === inPieces.said, `in one piece: ${whole.said}; in several: ${inPieces.said}`)
      const paths = decodeArchive(input)
      const why = paths === undefined ? 'it is no archive' : whyNot(paths, input)
      if (whole.archive === undefined) {
        must(why !== undefined, `nothing is wrong with it, and it is ${whole.said}`)
        return false
      }
      must(paths !== undefined && why === undefined, `taken, though ${why}`)
      const expected = paths.map(describe).toSorted().join('\n')
      must(whole.said === expected, `it says\n${whole.said}\nand not\n${expected}`)
      await checkLimits(verify, input)
      await checkHashes(input, paths, random.pick([0, 200, 2 ** 20]))
      const { archive } = whole
      taken(() => graphOf(archive), [ForgedOutputs, IncompleteClosure, InvalidAttribute])
      return true
    },
  }
}

/** What was proved, a line for each path; or how the archive was refused. */
async function answer(
  verify: VerifyArchive,
  pieces: Buffer[],
): Promise<{ said: string; archive?: VerifiedArchive }> {
  try {
    const archive = await verify(pieces, LIMITS)
    const derivations = [...archive.derivations.keys()].map((path) => `derivation ${path}`)
    const sources = [...archive.sources].map(
      ([path, { narHash, narSize, references }]) =>
        `source ${path} ${narHash} ${narSize} ${references.join(' ')}`,
    )
    return { said: [...derivations, ...sources].toSorted().join('\n'), archive }
  } catch (error) {
    if (REFUSALS.some((refusal) => error instanceof refusal) && error instanceof Error)
      return { said: `refused: ${error.message}` }
    throw error
  }
}

function describe({ path, nar, references }: ModelPath): string {
  if (path.endsWith('.drv')) return `derivation ${path}`
  const narHash = `sha256:${nix32(Buffer.from(hex('sha256', nar), 'hex'))}`
  return `source ${path} ${narHash} ${nar.length} ${references.join(' ')}`
}

/** Why nobody may take an archive; undefined when nothing is wrong. */
function whyNot(paths: ModelPath[], input: Buffer): string | undefined {
  if (!encodeArchive(paths).equals(input)) return 'nobody writes it so'
  const before = new Set<string>()
  for (const path of paths) {
    const why = whyNotPath(path, before)
    if (why !== undefined) return `${path.path} ${why}`
    before.add(path.path)
  }
  return undefined
}

function whyNotPath(archived: ModelPath, before: Set<string>): string | undefined {
  const { path, nar, references, deriver, signature = '' } = archived
  const names = [path, ...references, ...(deriver === '' ? [] : [deriver])]
  if (!names.every(isStorePath)) return 'names what is no store path'
  if (signature.length > 4096) return 'has a signature that is too long'
  if (references.some((reference, at) => at > 0 && reference <= (references[at - 1] ?? '')))
    return 'refers to something out of order'
  const tree = decodeNar(nar)
  if (tree === undefined || !isWritable(tree) || !encodeNar(tree).equals(nar)) return 'is no NAR'
  if (before.has(path)) return 'is there twice'
  if (references.some((reference) => reference !== path && !before.has(reference)))
    return 'refers to what is not there'
  if (path.endsWith('.drv')) return whyNoDerivation(archived)
  return addressedPaths(archived).includes(path) ? undefined : 'is not what its contents make'
}

/** What a `.drv` says is read as it is in the rest of Hearth: the target `derivation` looks at that. */
function whyNoDerivation({ path, nar, references }: ModelPath): string | undefined {
  const contents = fileIn(nar)
  if (contents === undefined) return 'is no file'
  if (textPath(path.slice(44), contents, references) !== path) return 'is not what its contents make'
  const drv = taken(() => parseDerivationFile(contents), [InvalidDerivation])
  if (drv === undefined) return 'is no derivation'
  if (isUnsupported(drv)) return undefined
  return referencesOf(drv).join() === references.join() ? undefined : 'does not refer to what it needs'
}

function isStorePath(text: string): boolean {
  const name = /^\/nix\/store\/[0-9abcdfghijklmnpqrsvwxyz]{32}-([0-9a-zA-Z+\-._?=]{1,211})$/.exec(text)?.[1]
  return name !== undefined && !text.includes('\n') && !/^\.\.?(-|$)/.test(name)
}

/** A byte less than an archive has, and it is too large. */
async function checkLimits(verify: VerifyArchive, input: Buffer): Promise<void> {
  let refusal: unknown
  try {
    await verify([input], { ...LIMITS, maxSize: input.length - 1 })
  } catch (error) {
    refusal = error
  }
  must(refusal instanceof ArchiveTooLarge, `larger than it may be, and ${String(refusal)}`)
}

/** The hashes of a NAR are the same, whether it is kept in memory or not. @param maxKept bytes of a NAR that are kept */
async function checkHashes(input: Buffer, paths: ModelPath[], maxKept: number): Promise<void> {
  let at = 0
  for await (const { contents } of readExportArchive([input], { maxSize: input.length, maxKept })) {
    const nar = paths[at++]?.nar ?? Buffer.alloc(0)
    const file = fileIn(nar)
    for (const algorithm of HASH_ALGORITHMS) {
      const found = [contents.hashNar(algorithm), contents.hashFile(algorithm)].map(
        (hash) => hash && Buffer.from(hash.digest).toString('hex'),
      )
      const expected = [hex(algorithm, nar), file && hex(algorithm, file)]
      must(
        found.join() === expected.join(),
        `path ${at}, keeping ${maxKept}: ${algorithm} is ${found.join()}`,
      )
    }
  }
}
