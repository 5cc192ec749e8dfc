import type { StorePath } from '../../nix/store-path.ts'
import { derivationOf } from '../shared/graph.ts'
import type { Published } from '../shared/records.ts'
import { type Finish, finishPublication, showClaimed } from './finish-publication.ts'
import type { Publication } from './publication.ts'
import { NotReproducible, PublicationUnfinished } from './refusals.ts'
import { readStagedNarInfo } from './staged-result.ts'
import { verifyBuild } from './verify-build.ts'
import { claim, differencesTo, findStanding, isAtWork, type Standing } from './write-once.ts'

export interface PublishedDerivation {
  outcome: 'published' | 'already-published'
  /** compressed bytes that this build, or this attempt, made visible */
  bytes: number
}

// Two publishers that claim at the same moment meet once; a third look is for what retention or a repair does meanwhile.
const LOOKS = 3

/**
 * Publishes the outputs of one derivation that the builder says it built. If a build of it stands already, that one is finished, whoever began it,
 * and this one is only compared with it. Otherwise all outputs are verified, the derivation is claimed for this build, the NARs are copied, and
 * only then the narinfos are written. Killed anywhere and run again, it ends the same, and no NAR is read again once it was verified.
 * @param used NarHash of every path in the closure of its inputs, as the builder had them
 * @throws what `refusals.ts` names: nothing of this build is visible then
 */
export async function publishDerivation(
  publication: Publication,
  drvPath: StorePath,
  used: Record<string, string>,
): Promise<PublishedDerivation> {
  const outputs = Object.values(derivationOf(publication.graph, drvPath, 'the batch').outputs)
  let verified: Published | undefined
  for (let look = 1; look <= LOOKS; look++) {
    const standing = await findStanding(publication.state, outputs, publication.now)
    if (standing !== undefined) {
      const finish = await finishPublication(publication, drvPath, standing)
      if (finish.kind === 'finished') return compare(publication, standing.record, finish.bytes)
      if (finish.kind === 'superseded') continue
      verified ??= await verifyBuild(publication, drvPath, used)
      if (finish.kind === 'stuck') checkGivenUp(standing, finish, verified)
    }
    verified ??= await verifyBuild(publication, drvPath, used)
    if (await claim(publication.state, verified, standing))
      return { outcome: 'published', bytes: await showClaimed(publication, verified) }
  }
  throw new PublicationUnfinished(drvPath, publication.build, 'others were faster each time')
}

/**
 * Finishes a publication that somebody began with an earlier build of a derivation, although this run's builder has none to offer.
 * @returns undefined when there is none, or it cannot be finished
 */
export async function resumePublication(
  publication: Publication,
  drvPath: StorePath,
): Promise<PublishedDerivation | undefined> {
  const outputs = Object.values(derivationOf(publication.graph, drvPath, 'the batch').outputs)
  const standing = await findStanding(publication.state, outputs, publication.now)
  if (standing === undefined) return undefined
  const finish = await finishPublication(publication, drvPath, standing)
  return finish.kind === 'finished' ? { outcome: 'already-published', bytes: finish.bytes } : undefined
}

/**
 * Compares what this build staged with the build that stands. What it says of its own bytes is enough for that: a builder that lies is only
 * counted wrongly.
 * @throws NotReproducible, StagedResultInvalid
 */
async function compare(
  { staging, prefix, build }: Publication,
  standing: Published,
  bytes: number,
): Promise<PublishedDerivation> {
  if (standing.build === build) {
    // Whoever is killed and run again has added what the attempts before have added.
    const all = [...Object.values(standing.outputs), ...standing.sources]
    return { outcome: 'published', bytes: all.reduce((sum, { fileSize }) => sum + fileSize, 0) }
  }
  const built = Object.values(standing.outputs).map(async ({ storePath }) =>
    readStagedNarInfo(staging, prefix, storePath),
  )
  const differences = differencesTo(standing, await Promise.all(built))
  if (differences.length > 0) throw new NotReproducible(differences)
  return { outcome: 'already-published', bytes }
}

/**
 * Another build takes the place of one that cannot be finished when it has the same bytes, or when nothing of the other is visible and its publisher
 * is dead.
 * @throws NotReproducible, PublicationUnfinished
 */
function checkGivenUp(
  standing: Standing,
  { why, isVisible }: Extract<Finish, { kind: 'stuck' }>,
  verified: Published,
): void {
  const differences = differencesTo(standing.record, Object.values(verified.outputs))
  if (differences.length === 0) return
  if (isVisible) throw new NotReproducible(differences)
  if (isAtWork(standing)) throw new PublicationUnfinished(verified.drvPath, standing.record.build, why)
}
