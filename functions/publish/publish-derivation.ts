import { hashPartOf, type StorePath } from '../../nix/store-path.ts'
import { HearthError } from '../shared/errors.ts'
import { derivationOf } from '../shared/graph.ts'
import { stagedKeys } from '../shared/keys.ts'
import type { Published } from '../shared/records.ts'
import { type Finish, finishPublication, showClaimed } from './finish-publication.ts'
import type { Publication } from './publication.ts'
import { NotReproducible, PublicationUnfinished } from './refusals.ts'
import { fileHashDigits, readStagedNarInfo } from './staged-result.ts'
import { type BuildClaims, verifyBuild } from './verify-build.ts'
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
 * @param claims what the builder says of the build
 * @throws what `refusals.ts` names: nothing of this build is visible then
 */
export async function publishDerivation(
  publication: Publication,
  drvPath: StorePath,
  claims: BuildClaims,
): Promise<PublishedDerivation> {
  const outputs = Object.values(derivationOf(publication.graph, drvPath, 'the batch').outputs)
  let verified = await verifyInMemory(publication, drvPath, outputs, claims)
  if (verified !== undefined && (await claim(publication.state, verified)))
    return { outcome: 'published', bytes: await showClaimed(publication, verified) }
  for (let look = 1; look <= LOOKS; look++) {
    const standing = await findStanding(publication.state, outputs, publication.now)
    if (standing !== undefined) {
      const finish = await finishPublication(publication, drvPath, standing)
      if (finish.kind === 'finished') return compare(publication, standing.record, finish.bytes)
      if (finish.kind === 'superseded') continue
      verified ??= await verifyBuild(publication, drvPath, claims)
      if (finish.kind === 'stuck') checkGivenUp(standing, finish, verified)
    }
    verified ??= await verifyBuild(publication, drvPath, claims)
    if (await claim(publication.state, verified, standing))
      return { outcome: 'published', bytes: await showClaimed(publication, verified) }
  }
  throw new PublicationUnfinished(drvPath, publication.build, 'others were faster each time')
}

/**
 * Verifies a build without asking first whether another one stands, when everything that it staged is in memory: that costs less than the question.
 * @returns undefined when it is not, and when the build is refused: that only matters when no other stands
 */
async function verifyInMemory(
  publication: Publication,
  drvPath: StorePath,
  outputs: StorePath[],
  claims: BuildClaims,
): Promise<Published | undefined> {
  const { parcels, prefix } = publication
  const isParcelled = async (output: StorePath): Promise<boolean> => {
    if (!parcels.has(stagedKeys.narinfo(prefix, hashPartOf(output)))) return false
    const { fileHash } = await readStagedNarInfo(publication, output)
    return parcels.has(stagedKeys.nar(prefix, fileHashDigits(fileHash)))
  }
  try {
    for (const output of outputs) if (!(await isParcelled(output))) return undefined
    return await verifyBuild(publication, drvPath, claims)
  } catch (error) {
    if (error instanceof HearthError) return undefined
    throw error
  }
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
  publication: Publication,
  standing: Published,
  bytes: number,
): Promise<PublishedDerivation> {
  if (standing.build === publication.build) {
    // Whoever is killed and run again has added what the attempts before have added.
    const all = [...Object.values(standing.outputs), ...standing.sources]
    return { outcome: 'published', bytes: all.reduce((sum, { fileSize }) => sum + fileSize, 0) }
  }
  const built = Object.values(standing.outputs).map(async ({ storePath }) =>
    readStagedNarInfo(publication, storePath),
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
