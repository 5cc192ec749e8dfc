import { brokenRules, type ReferencingPath } from '../../nix/reference-rules.ts'
import { baseNameOf, type StorePath } from '../../nix/store-path.ts'
import type { Caches } from '../shared/caches.ts'
import type { Graph, GraphDerivation } from '../shared/contract.ts'
import { derivationOf, entries } from '../shared/graph.ts'
import { stagedKeys } from '../shared/keys.ts'
import type { Published, PublishedPath } from '../shared/records.ts'
import type { KnownPath } from '../shared/upstream-memory.ts'
import { checkInputsUsed, closureOf, closureOfSources, digestOfInputs, inputPathsOf } from './inputs.ts'
import type { Publication } from './publication.ts'
import { referencesFirst } from './references-first.ts'
import { ReferenceRuleBroken } from './refusals.ts'
import { verifyOutput } from './verify-output.ts'
import { verifySources } from './verify-source.ts'

/** What a builder says of a build, and what is checked of it. */
export interface BuildClaims {
  /** NarHash of every path in the closure of its inputs, as the builder had them */
  inputs: Record<string, string>
  /** whether there is a log; it does not always say */
  log?: boolean | undefined
}

/**
 * Proves everything about the build of a derivation, from the bytes that were staged: all its outputs, and the sources that they refer to.
 * @returns the record of the build, as it will stand when nobody was first
 * @throws what `refusals.ts` names
 */
export async function verifyBuild(
  publication: Publication,
  drvPath: StorePath,
  claims: BuildClaims,
): Promise<Published> {
  const { caches, graph } = publication
  const derivation = derivationOf(graph, drvPath, 'the batch')
  const inputs = await closureOf(caches, inputPathsOf(graph, drvPath))
  checkInputsUsed(inputs, claims.inputs)
  const outputs = await verifyOutputs(publication, drvPath, derivation, [
    ...inputs.keys(),
    ...closureOfSources(graph, derivation.inputSrcs),
  ])
  checkRules(derivation, outputs, inputs, graph)
  // outputs that refer to each other in a circle are refused before anything is written
  const ordered = referencesFirst([...outputs.values()])
  const sources = await verifySources(publication, await referrersOfMissing(caches, ordered))
  const published = new Set([...ordered, ...sources].map(({ storePath }) => storePath))
  const leaning = async (path: PublishedPath) => withLeaning(caches, path, published)
  const { run, build, prefix, now = Date.now } = publication
  return {
    version: 1,
    drvPath,
    outputs: Object.fromEntries(
      await Promise.all([...outputs].map(async ([name, path]) => [name, await leaning(path)] as const)),
    ),
    sources: await Promise.all(sources.map(leaning)),
    inputs: digestOfInputs(inputs),
    run,
    build,
    prefix,
    ...(await whereLogIs(publication, drvPath, claims)),
    begun: new Date(now()).toISOString(),
  }
}

/** Says nothing of a log that is an object by itself, or may be. */
async function whereLogIs(
  { parcels, prefix }: Publication,
  drvPath: StorePath,
  { log }: BuildClaims,
): Promise<Pick<Published, 'log'>> {
  const parcelled = await parcels.find(stagedKeys.log(prefix, baseNameOf(drvPath)))
  if (parcelled !== undefined) return { log: parcelled.part }
  return log === false ? { log: 'none' } : {}
}

async function verifyOutputs(
  publication: Publication,
  drvPath: StorePath,
  { outputs, fixedOutput, referenceRules }: GraphDerivation,
  inputs: StorePath[],
): Promise<Map<string, PublishedPath>> {
  const candidates = [...inputs, ...Object.values(outputs)]
  const verified = new Map<string, PublishedPath>()
  // one after the other: many derivations are verified at once already
  for (const [name, path] of Object.entries(outputs)) {
    const discardsReferences = referenceRules?.[name]?.discardReferences === true
    const expected = { path, drvPath, candidates, fixedOutput, discardsReferences }
    verified.set(name, await verifyOutput(publication, expected))
  }
  return verified
}

/** @throws ReferenceRuleBroken */
function checkRules(
  { outputs: paths, referenceRules }: GraphDerivation,
  outputs: Map<string, PublishedPath>,
  inputs: Map<StorePath, KnownPath>,
  graph: Graph,
): void {
  if (referenceRules === undefined) return
  const known = new Map<StorePath, ReferencingPath>([
    ...entries(graph.sources),
    ...inputs,
    ...[...outputs.values()].map((path) => [path.storePath, path] as const),
  ])
  for (const [name, { storePath }] of outputs) {
    const rules = referenceRules[name]
    const broken = rules === undefined ? [] : brokenRules(storePath, rules, paths, known)
    if (broken.length > 0) throw new ReferenceRuleBroken(storePath, broken)
  }
}

/** What outputs refer to that neither they are nor any cache has, and who refers to it. */
async function referrersOfMissing(
  caches: Caches,
  outputs: PublishedPath[],
): Promise<Map<StorePath, StorePath>> {
  const own = new Set(outputs.map(({ storePath }) => storePath))
  const missing = new Map<StorePath, StorePath>()
  for (const { storePath, references } of outputs)
    for (const reference of references)
      if (!own.has(reference) && (await caches.find(reference)) === undefined)
        missing.set(reference, storePath)
  return missing
}

/** Says of a path which of its references only an upstream has. */
async function withLeaning(
  caches: Caches,
  path: PublishedPath,
  published: Set<StorePath>,
): Promise<PublishedPath> {
  const leansOn: Record<string, StorePath[]> = {}
  for (const reference of path.references) {
    if (published.has(reference)) continue
    const where = (await caches.find(reference))?.where
    if (typeof where === 'object') (leansOn[where.upstream] ??= []).push(reference)
  }
  return Object.keys(leansOn).length === 0 ? path : { ...path, leansOn }
}
