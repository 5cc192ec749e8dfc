import type { StorePath } from '../../nix/store-path.ts'
import { findInCache } from '../shared/caches.ts'
import { derivationOf } from '../shared/graph.ts'
import type { Published, PublishedPath } from '../shared/records.ts'
import { closureOf, digestOfInputs, inputPathsOf } from './inputs.ts'
import { publishLog } from './logs.ts'
import { copyNar, hasNar, signNarInfo, writeNarInfo } from './make-visible.ts'
import type { Publication } from './publication.ts'
import { referencesFirst } from './references-first.ts'
import { InputNotPublished, RepairUnderWay, StagedResultInvalid } from './refusals.ts'
import { renew, type Standing } from './write-once.ts'

/** How far somebody got who set out to finish the publication of the build that stands. */
export type Finish =
  /** `bytes`: compressed, that became visible by this attempt */
  | { kind: 'finished'; bytes: number }
  /** another record took its place meanwhile */
  | { kind: 'superseded' }
  /** a repair has taken all of it out of clients' sight: another build may take its place */
  | { kind: 'withdrawn' }
  | { kind: 'stuck'; why: string; isVisible: boolean }

/**
 * Makes a build visible that was just claimed.
 *
 * What clients can count on, at every moment and wherever the publisher dies: a narinfo that they see is signed, its NAR and its log are there, and
 * so is everything that it refers to, because all NARs are copied before the first narinfo is written, and narinfos are written references
 * first. S3 has no transaction over several objects, so there is a moment, some 20 ms for each output with nothing else in between, when a client
 * sees one output and not yet another. It then builds the derivation, or waits; it never gets outputs of two builds from here, because which
 * build stands was fixed before, and whoever comes next finishes that very build.
 * @returns compressed bytes that became visible
 * @throws StagedResultInvalid when the staged bytes are no longer those that were verified
 */
export async function showClaimed(publication: Publication, record: Published): Promise<number> {
  const paths = visibleTogether(record)
  const copied = await Promise.all([
    ...paths.map(async (path) => ({
      path,
      copy: await copyNar(publication, record.prefix, path),
    })),
    publishLog(publication, record),
  ])
  for (const each of copied)
    if (each !== undefined && each.copy !== 'copied')
      throw new StagedResultInvalid(
        `the staged NAR of ${each.path.storePath} ${each.copy} since it was verified`,
      )
  return writeNarInfos(publication, record, paths)
}

/**
 * Finishes what another publisher, perhaps dead, began with the build that stands: nothing that any builder says is needed. Harmless while he is alive:
 * both write the same.
 * @param drvPath the derivation as this run knows it: another one may have made the same outputs
 * @throws RepairUnderWay when a repair has taken a part of it out of clients' sight
 */
export async function finishPublication(
  publication: Publication,
  drvPath: StorePath,
  standing: Standing,
): Promise<Finish> {
  const { record } = standing
  const paths = visibleTogether(record)
  const hidden = await hiddenOf(publication, paths)
  if (hidden.length === 0) {
    for (const path of paths) publication.caches.add(path)
    return { kind: 'finished', bytes: 0 }
  }
  const isVisible = Object.values(record.outputs).some((output) => !hidden.includes(output))
  if (record.withdrawn !== undefined) {
    if (isVisible) throw new RepairUnderWay(record.drvPath, record.withdrawn)
    return { kind: 'withdrawn' }
  }
  const obstacle =
    (isVisible ? undefined : await otherInputs(publication, drvPath, record)) ??
    (await lostReference(publication, record, hidden))
  if (obstacle !== undefined) return { kind: 'stuck', why: obstacle, isVisible }
  const why = await bringNars(publication, record, hidden)
  if (why !== undefined) return { kind: 'stuck', why, isVisible }
  // NARs are named by their contents, and harm nobody; from here on it matters which build stands.
  if (!(await renew(publication.state, standing, publication.now))) return { kind: 'superseded' }
  await publishLog(publication, record)
  return { kind: 'finished', bytes: await writeNarInfos(publication, record, hidden) }
}

/** References before referrers: the sources are referred to by the outputs, and never the other way round. */
function visibleTogether({ sources, outputs }: Published): PublishedPath[] {
  return [...sources, ...referencesFirst(Object.values(outputs))]
}

async function hiddenOf({ cache }: Publication, paths: PublishedPath[]): Promise<PublishedPath[]> {
  const found = await Promise.all(paths.map(async ({ storePath }) => findInCache(cache, storePath)))
  return paths.filter((_, index) => found[index] === undefined)
}

/** A result counts only when it was built on the bytes that are published, also when it comes late. Of a fixed output only its content counts. */
async function otherInputs(
  { caches, graph }: Publication,
  drvPath: StorePath,
  record: Published,
): Promise<string | undefined> {
  if (derivationOf(graph, drvPath, 'the batch').fixedOutput !== undefined) return undefined
  try {
    const inputs = await closureOf(caches, inputPathsOf(graph, drvPath))
    return digestOfInputs(inputs) === record.inputs ? undefined : 'what it was built on has other bytes now'
  } catch (error) {
    if (error instanceof InputNotPublished) return error.message
    throw error
  }
}

/** Retention may have taken what was there when the build was claimed. */
async function lostReference(
  { caches }: Publication,
  record: Published,
  hidden: PublishedPath[],
): Promise<string | undefined> {
  const own = new Set(visibleTogether(record).map(({ storePath }) => storePath))
  for (const { storePath, references } of hidden)
    for (const reference of references)
      if (!own.has(reference) && (await caches.find(reference)) === undefined)
        return `${storePath} refers to ${reference}, which no cache has any more`
  return undefined
}

/** @returns why the cache cannot have all of them: what was staged is deleted after some days */
async function bringNars(
  publication: Publication,
  { prefix }: Published,
  paths: PublishedPath[],
): Promise<string | undefined> {
  const brought = await Promise.all(
    paths.map(async (path) => {
      if (await hasNar(publication.cache, path)) return []
      const copy = await copyNar(publication, prefix, path)
      return copy === 'copied' ? [] : [`the staged NAR of ${path.storePath} ${copy}`]
    }),
  )
  return brought.flat()[0]
}

/** Nothing but narinfos is written here, one after the other: the shorter the moment in which clients see a part of them, the better. */
async function writeNarInfos(
  { cache, caches, keys }: Publication,
  record: Published,
  paths: PublishedPath[],
): Promise<number> {
  const sources = new Set(record.sources)
  const narinfos = paths.map((path) =>
    signNarInfo(path, sources.has(path) ? undefined : record.drvPath, keys),
  )
  let bytes = 0
  for (const narinfo of narinfos) {
    if (await writeNarInfo(cache, narinfo)) bytes += narinfo.fileSize ?? 0
    caches.add(narinfo)
  }
  return bytes
}
