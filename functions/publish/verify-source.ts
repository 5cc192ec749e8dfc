import type { ArchivedSource } from '../../nix/archive-verification.ts'
import type { StorePath } from '../../nix/store-path.ts'
import type { PublishedPath } from '../shared/records.ts'
import type { Publication } from './publication.ts'
import { readStagedNar } from './read-staged-nar.ts'
import { ReferenceNotPublished, SourceDiffers } from './refusals.ts'
import { findStagedNarInfo } from './staged-result.ts'

/**
 * The sources that outputs refer to and that no cache has, each after those that it refers to itself, all verified. Other sources of the
 * derivation are nobody's business: they are not published.
 * @param referrers source -> who refers to it
 * @throws ReferenceNotPublished, StagedResultInvalid, StagedBytesDiffer, SourceDiffers
 */
export async function verifySources(
  publication: Publication,
  referrers: Map<StorePath, StorePath>,
): Promise<PublishedPath[]> {
  const verified = new Map<StorePath, PublishedPath>()
  const visited = new Set<StorePath>()

  async function visit(path: StorePath, referrer: StorePath): Promise<void> {
    if (visited.has(path)) return
    visited.add(path)
    if ((await publication.caches.find(path)) !== undefined) return
    const source = publication.graph.sources[path]
    if (source === undefined) throw new ReferenceNotPublished(referrer, path)
    // An archive holds what a source refers to before it (nix/archive-verification.ts), so there are no circles, and the depth is small.
    for (const reference of source.references) await visit(reference, path)
    verified.set(path, await verifiedOnce(publication, path, source, referrer))
  }

  for (const [path, referrer] of referrers) await visit(path, referrer)
  return [...verified.values()]
}

async function verifiedOnce(
  publication: Publication,
  path: StorePath,
  source: ArchivedSource,
  referrer: StorePath,
): Promise<PublishedPath> {
  const known = publication.verifiedSources.get(path)
  if (known !== undefined) return known
  const verified = verifySource(publication, path, source, referrer)
  publication.verifiedSources.set(path, verified)
  return verified
}

/** A source is what the evaluation's archive proved it to be: by its content address, references included. Nothing is looked for in it. */
async function verifySource(
  publication: Publication,
  path: StorePath,
  source: ArchivedSource,
  referrer: StorePath,
): Promise<PublishedPath> {
  const info = await findStagedNarInfo(publication, path)
  if (info === undefined) throw new ReferenceNotPublished(referrer, path)
  const check = (what: string, proved: string | number, staged: string | number): void => {
    if (proved !== staged) throw new SourceDiffers(path, what, proved, staged)
  }
  check('NarHash', source.narHash, info.narHash)
  check('NarSize', source.narSize, info.narSize)
  check('References', source.references.join(' '), [...new Set(info.references)].toSorted().join(' '))
  const { narHash, narSize, ...where } = await readStagedNar(publication, info, [])
  const { fileHash, fileSize } = info
  const { references, contentAddress: ca } = source
  return { storePath: path, narHash, narSize, fileHash, fileSize, ...where, references, ca }
}
