import { baseNameOf, type StorePath } from '../../nix/store-path.ts'
import { type Caches, findInCache } from '../shared/caches.ts'
import { derivationOf } from '../shared/graph.ts'
import { checkInputsUsed, closureOf, inputPathsOf } from './inputs.ts'
import { publishLog } from './logs.ts'
import { copyNar, signNarInfo, writeNarInfo } from './make-visible.ts'
import type { Publication } from './publication.ts'
import { referencesFirst } from './references-first.ts'
import { ReferenceNotPublished, StagedResultInvalid } from './refusals.ts'
import { readStagedNarInfo } from './staged-result.ts'
import { type VerifiedOutput, verifyOutput } from './verify-output.ts'
import { claimPublication } from './write-once.ts'

export interface PublishedDerivation {
  outcome: 'published' | 'already-published'
  /** compressed bytes that became visible */
  bytes: number
}

/**
 * Publishes the outputs of one derivation that the builder says it built: verifies all of them, claims the derivation, copies the NARs, and
 * only then writes the narinfos, references before referrers. Killed anywhere and run again, it ends the same.
 * @param used NarHash of every path in the closure of its inputs, as the builder had them
 * @throws what `refusals.ts` names: nothing of the derivation is visible then
 */
export async function publishDerivation(
  publication: Publication,
  drvPath: StorePath,
  used: Record<string, string>,
): Promise<PublishedDerivation> {
  const { staging, cache, state, caches, graph, keys } = publication
  const derivation = derivationOf(graph, drvPath, 'the batch')
  const inputs = await closureOf(caches, inputPathsOf(graph, drvPath))
  checkInputsUsed(inputs, used)
  const own = Object.values(derivation.outputs)
  const verified = await verifyOutputs(publication, own, [...inputs.keys(), ...derivation.inputSrcs, ...own])
  await checkReferences(caches, own, verified)

  const claimed = await claimPublication(
    state,
    {
      version: 1,
      drvPath,
      outputs: Object.fromEntries(
        verified.map(({ name, info }) => [name, { storePath: info.storePath, narHash: info.narHash }]),
      ),
      run: publication.run,
      build: publication.build,
    },
    async () =>
      (await Promise.all(own.map((path) => findInCache(cache, path)))).some((info) => info !== undefined),
  )
  await Promise.all(verified.map((output) => copyNar(staging, cache, output)))
  let bytes = 0
  for (const { info } of referencesFirst(verified)) {
    const signed = signNarInfo({ ...info, deriver: drvPath }, keys)
    if (await writeNarInfo(cache, signed)) bytes += info.fileSize
    caches.add(signed)
  }
  await publishLog(publication, baseNameOf(drvPath))
  return { outcome: claimed === 'ours' ? 'published' : 'already-published', bytes }

  async function verifyOutputs(from: Publication, paths: StorePath[], candidates: StorePath[]) {
    const names = new Map(Object.entries(derivation.outputs).map(([name, path]) => [path, name]))
    const outputs: (VerifiedOutput & { name: string })[] = []
    // one after the other: several derivations are verified at once already, and each NAR takes its buffers
    for (const path of paths) {
      const info = await readStagedNarInfo(from.staging, from.prefix, path)
      if (info.deriver !== undefined && info.deriver !== drvPath)
        throw new StagedResultInvalid(
          `the staged narinfo of ${path} names the deriver ${info.deriver} and not ${drvPath}`,
        )
      outputs.push({
        ...(await verifyOutput(from.staging, from.prefix, info, candidates)),
        name: names.get(path) ?? '',
      })
    }
    return outputs
  }
}

/** @throws ReferenceNotPublished: a client never sees a narinfo whose closure is not there */
async function checkReferences(caches: Caches, own: StorePath[], verified: VerifiedOutput[]): Promise<void> {
  for (const { info } of verified)
    for (const reference of info.references)
      if (!own.includes(reference) && (await caches.find(reference)) === undefined)
        throw new ReferenceNotPublished(info.storePath, reference)
}
