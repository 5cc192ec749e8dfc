import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { createZstdDecompress, zstdCompress } from 'node:zlib'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { type VerifiedArchive, verifyArchive } from '../../nix/archive-verification.ts'
import type {
  BuildId,
  DerivationOutputs,
  EvaluatedShell,
  Evaluation,
  EvaluationRound,
  Graph,
  RunId,
} from '../shared/contract.ts'
import { HearthError } from '../shared/errors.ts'
import { entries } from '../shared/graph.ts'
import { stagedKeys, stagingPrefixOfBuild, stateKeys } from '../shared/keys.ts'
import { MeasuredZstd } from '../shared/measured-zstd.ts'
import { type Bucket, copyObject, findJson, isMissing, writeJson } from '../shared/objects.ts'
import { isPassing } from '../shared/passing-error.ts'
import { nameInRound } from './evaluation-rounds.ts'
import { graphOf } from './graph-of.ts'
import { findStagedEvaluation } from './staged-evaluation.ts'

export class EvaluationLost extends HearthError {
  override name = 'EvaluationLost'
}

/** The evaluator's archive is not the one that its evaluation names, or holds what nothing proves. */
export class ArchiveRefused extends HearthError {
  override name = 'ArchiveRefused'
}

/** What the evaluator says of the whole source: it keeps the evaluator's name for it, so that the run's error is that name. */
export class SourceFailed extends HearthError {
  constructor({ name, message }: { name: string; message: string }) {
    super(message)
    this.name = name
  }
}

// 8 GiB of archive and 400 MiB of derivations keep a hostile evaluator from filling a Lambda of 1,769 MB: measured, 157 MB of derivations (50,000 of
// them) take 522 MiB.
const LIMITS = { maxSize: 8 * 1024 ** 3, maxDerivations: 400 * 1024 ** 2 }

const compress = promisify(zstdCompress)

/**
 * The evaluation of a run. The first wave after it takes it over from the evaluator's staging prefix, in place of the one before if the run has
 * evaluated again, and trusts nothing of it: only derivations whose path is that of their contents and sources whose content address recomputes are accepted, every output path is recomputed, and the graph is made from
 * what was proved. The archive itself is copied to the state bucket, exactly the bytes that were read, where neither evaluator nor builder can
 * write. Every later reader reads those copies.
 * @param remember is told of it, once it is taken over
 * @throws EvaluationLost when the evaluator left nothing, EvaluationRefused when it left something else, SourceFailed when the source as a whole gave
 * nothing to warm, ArchiveRefused
 */
export async function takeOverEvaluation(
  state: Bucket,
  staging: Bucket,
  evaluatorRoleId: string,
  run: RunId,
  build: BuildId,
  remember: (evaluation: Evaluation) => Promise<void> = async () => undefined,
): Promise<Evaluation> {
  const taken = await findJson<Evaluation>(state, stateKeys.evaluation(run))
  if (taken?.round?.build === build) return taken
  const prefix = stagingPrefixOfBuild(evaluatorRoleId, build)
  const evaluation = await findStagedEvaluation(staging, prefix, run)
  if (evaluation === undefined)
    throw new EvaluationLost(`the evaluator ${build} left no evaluation: its log says what happened`)
  if (evaluation.error !== undefined) throw new SourceFailed(evaluation.error)
  evaluation.round = roundAfter(taken, build)
  if (evaluation.archive !== undefined) {
    const graph = await takeOverArchive(state, staging, prefix, run, evaluation.archive.sha256)
    evaluation.shells = evaluation.shells.map((shell) => inGraph(shell, graph))
    // what the archive does not prove is nothing that anybody can publish
    const inputs = evaluation.flakeInputs?.filter((path) => Object.hasOwn(graph.sources, path))
    if (inputs !== undefined) evaluation.flakeInputs = inputs
    await writeGraph(state, run, graph)
  }
  await writeJson(state, stateKeys.evaluation(run), evaluation)
  await remember(evaluation)
  return evaluation
}

function roundAfter(before: Evaluation | undefined, build: BuildId): EvaluationRound {
  const needed = (before?.shells ?? []).flatMap((shell): [string, DerivationOutputs][] =>
    'needs' in shell ? [[nameInRound(shell), shell.needs]] : [],
  )
  return { number: (before?.round?.number ?? 0) + 1, build, neededBefore: Object.fromEntries(needed) }
}

/** A shell of which the archive does not hold everything cannot be planned; the others can. */
function inGraph(shell: EvaluatedShell, graph: Graph): EvaluatedShell {
  if ('error' in shell) return shell
  const { attribute, system, imported = {} } = shell
  const refuse = (lacking: string): EvaluatedShell => ({
    attribute,
    system,
    error: `the evaluation's archive does not hold ${lacking}`,
    // the evaluator's fault, not the attribute's
    isPassing: true,
  })
  if ('drvPath' in shell && !Object.hasOwn(graph.derivations, shell.drvPath))
    return refuse(`its derivation ${shell.drvPath}`)
  for (const [drvPath, outputs] of [...entries(imported), ...entries('needs' in shell ? shell.needs : {})]) {
    const derivation = graph.derivations[drvPath]
    if (derivation === undefined) return refuse(`${drvPath}, which it imports`)
    const unknown = outputs.find((name) => !Object.hasOwn(derivation.outputs, name))
    // what is unsupported has no outputs in the graph
    if (unknown !== undefined && derivation.unsupported === undefined)
      return refuse(`an output '${unknown}' of ${drvPath}, which it imports`)
  }
  return shell
}

async function takeOverArchive(
  state: Bucket,
  staging: Bucket,
  prefix: string,
  run: RunId,
  pinned: string,
): Promise<Graph> {
  const key = stagedKeys.archive(prefix)
  const { archive, sha256, etag } = await readArchive(staging, key)
  if (sha256 !== pinned)
    throw new ArchiveRefused(
      `the evaluator's archive has the SHA-256 ${sha256}, and its evaluation says ${pinned}`,
    )
  const graph = refusing(() => graphOf(archive))
  const from = { ...staging, key, version: etag }
  if (
    !(await copyObject(from, { ...state, key: stateKeys.archive(run) }, { contentType: 'application/zstd' }))
  )
    throw new EvaluationLost(`the evaluator's ${key} is gone`)
  return graph
}

async function readArchive(
  staging: Bucket,
  key: string,
): Promise<{ archive: VerifiedArchive; sha256: string; etag: string }> {
  const { body, etag } = await openArchive(staging, key)
  const file = new MeasuredZstd()
  let archive: VerifiedArchive | undefined
  try {
    await pipeline(body, file, createZstdDecompress(), async (bytes: AsyncIterable<Uint8Array>) => {
      archive = await verifyArchive(bytes, LIMITS)
    })
  } catch (error) {
    // what is wrong with S3 or the way to it passes; what is wrong with the bytes stays wrong
    if (isPassing(error) || (error instanceof Error && '$metadata' in error)) throw error
    throw new ArchiveRefused(
      `the evaluator's archive: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  if (archive === undefined) throw new ArchiveRefused("the evaluator's archive is empty")
  return { archive, sha256: file.sha256().toString('hex'), etag }
}

async function openArchive(staging: Bucket, key: string): Promise<{ body: Readable; etag: string }> {
  try {
    const { Body, ETag = '' } = await staging.s3.send(
      new GetObjectCommand({ Bucket: staging.name, Key: key }),
    )
    if (Body instanceof Readable) return { body: Body, etag: ETag }
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  throw new EvaluationLost(`the evaluator's ${key} is gone`)
}

function refusing<Result>(work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    throw new ArchiveRefused(error instanceof Error ? error.message : String(error))
  }
}

async function writeGraph(state: Bucket, run: RunId, graph: Graph): Promise<void> {
  const Body = await compress(Buffer.from(JSON.stringify(graph)))
  await state.s3.send(
    new PutObjectCommand({
      Bucket: state.name,
      Key: stateKeys.graph(run),
      Body,
      ContentType: 'application/zstd',
    }),
  )
}
