import type { S3Client } from '@aws-sdk/client-s3'
import { availableParallelism, totalmem } from 'node:os'
import { basename, join } from 'node:path'
import pLimit from 'p-limit'
import { FLAKE_INPUTS, parseAttribute } from '../functions/shared/attributes.ts'
import type { EvaluatedShell, Evaluation, NixpkgsPin } from '../functions/shared/contract.ts'
import { entries } from '../functions/shared/graph.ts'
import { stagedKeys } from '../functions/shared/keys.ts'
import type { StorePath } from '../nix/store-path.ts'
import { evaluateSystem } from './evaluation/evaluate-system.ts'
import { checkOut, fetchCommit } from './evaluation/fetch-commit.ts'
import { findFlakeInputs } from './evaluation/flake-inputs.ts'
import { ImportCaches } from './evaluation/import-caches.ts'
import { findShells, type FoundShells } from './evaluation/list-shells.ts'
import { readPins } from './evaluation/read-pins.ts'
import type { FetchedSource } from './evaluation/sources.ts'
import type { RepositoryAccess } from './evaluation/repository-access.ts'
import { stageInputs } from './evaluation/stage-inputs.ts'
import { TimeBudget } from './evaluation/time-budget.ts'
import { writeArchive } from './evaluation/write-archive.ts'
import { FlakeDoesNotEvaluate, NothingToWarm, SourceNotFound } from './machine/errors.ts'
import type { EvaluationTask } from './machine/job.ts'
import { nixVersion } from './machine/nix-command.ts'
import type { Redaction } from './machine/redaction.ts'
import { stageBytes, stageFile } from './machine/staging.ts'
import type { Workshop } from './machine/workshop.ts'

/** What an evaluation needs beyond its staging: the cache that it may fetch imports from. */
export interface EvaluationWorkshop extends Workshop {
  s3: S3Client
  cacheBucket: string
  zstdLevel: number
  /** how it reads private repositories */
  access: RepositoryAccess
  /** what everything that anybody can read passes */
  redaction: Redaction
}

/**
 * Evaluate: a commit to the derivations of its shells, and the archive of everything that they need. `evaluation.json` is staged last: who finds it finds
 * everything. A source that gives nothing to warm is a result, too, and says why.
 */
export async function evaluate(job: EvaluationTask, workshop: EvaluationWorkshop): Promise<void> {
  const { staging, say } = workshop
  const evaluation: Evaluation = {
    version: 1,
    run: job.run,
    target: job.target,
    nixVersion: await nixVersion(workshop.environment),
    shells: [],
  }
  const caches = new ImportCaches({ ...workshop, ...job })
  try {
    const found = await evaluateShells(job, workshop, caches)
    evaluation.shells = found.shells
    if (found.pins.length > 0) evaluation.pins = found.pins
    if (found.flakeInputs !== undefined) {
      evaluation.flakeInputs = found.flakeInputs
      await stageInputs(found.flakeInputs, workshop)
    }
    for (const shell of evaluation.shells) say(`${shell.attribute}: ${outcomeOf(shell)}`)
    const roots = [...evaluation.shells.flatMap(rootsOf), ...(evaluation.flakeInputs ?? [])]
    if (roots.length > 0) evaluation.archive = await stageArchive([...new Set(roots)], workshop)
  } catch (error) {
    if (!isAboutTheSource(error)) throw error
    say(`${error.name}: ${error.message}`)
    evaluation.error = { name: error.name, message: error.message }
  } finally {
    await caches.close()
  }
  const text = workshop.redaction.of(JSON.stringify(evaluation))
  await stageBytes(staging, stagedKeys.evaluation(staging.prefix), Buffer.from(text), {
    type: 'application/json',
  })
  const broken = evaluation.shells.filter((shell) => 'error' in shell).length
  say(`evaluated ${evaluation.shells.length} shells, ${broken} of them broken`)
}

interface Evaluated {
  shells: EvaluatedShell[]
  flakeInputs?: StorePath[]
  pins: NixpkgsPin[]
}

async function evaluateShells(
  job: EvaluationTask,
  workshop: EvaluationWorkshop,
  caches: ImportCaches,
): Promise<Evaluated> {
  const { environment, say } = workshop
  const fetched = await fetch(job, workshop)
  const bounds = { environment, megabytes: job.limits.megabytes }
  const found = await findShells(job, fetched, bounds, caches, workshop.access)
  const limit = pLimit(systemsAtOnce(job.limits.megabytes))
  const bySystem = await limit.map(found.systems, async ({ system, groups, imports }) => {
    const budget = new TimeBudget(job.limits.secondsPerSystem)
    const shells: EvaluatedShell[] = []
    for (const { source, candidates } of groups) {
      say(`evaluating ${candidates.length} shells for ${system}`)
      shells.push(...(await evaluateSystem(source, system, candidates, budget, imports)))
    }
    return shells
  })
  const shells = bySystem.flat().filter((shell) => !('error' in shell && found.optional.has(shell.attribute)))
  const inputs = await inputsOf(found, job)
  return {
    shells: [...found.unlisted, ...shells, ...(inputs.broken ?? [])],
    pins: found.flake === undefined ? [] : await readPins(fetched.repository, environment),
    ...(inputs.paths === undefined ? {} : { flakeInputs: inputs.paths }),
  }
}

async function fetch(
  job: EvaluationTask,
  { folder, environment, access, say }: EvaluationWorkshop,
): Promise<FetchedSource> {
  const { repository: name, commit } = job.target
  const repository = join(folder.path, 'source')
  // What a file refers to as `./.` is named for the folder that it lies in: on a laptop, as a rule, that of the repository.
  const files = join(folder.path, 'files', basename(name))
  await fetchCommit(
    job.source,
    commit,
    repository,
    { ...environment, ...(await access.variables()) },
    (words) => access.advise(words),
  )
  if (job.attributes.some((attribute) => parseAttribute(attribute)?.kind === 'file'))
    await checkOut(repository, commit, files, environment)
  say(`fetched ${name} ${commit}`)
  return { commit, repository, files }
}

/** What is wrong with one of them is reported like a shell that does not evaluate. It may pass: somebody may be given access to it. */
async function inputsOf(
  { flake }: FoundShells,
  job: EvaluationTask,
): Promise<{ paths?: StorePath[]; broken?: EvaluatedShell[] }> {
  if (!job.flakeInputs || flake === undefined) return {}
  const inputs = await findFlakeInputs(flake, job.limits.secondsPerSystem)
  return 'paths' in inputs ? inputs : { broken: [{ ...FLAKE_INPUTS, error: inputs.error, isPassing: true }] }
}

/** As many as there are cores, and as fit into three quarters of the machine's memory: beyond that the kernel kills, and a sound shell looks broken. */
function systemsAtOnce(megabytes: number): number {
  const fitting = Math.floor((totalmem() * 0.75) / (megabytes * 1024 ** 2))
  return Math.max(1, Math.min(availableParallelism(), fitting))
}

/** The derivations that Plan must know of: the shell's own, and what it imports. */
function rootsOf(shell: EvaluatedShell): StorePath[] {
  if ('error' in shell) return []
  const imports = [...entries(shell.imported ?? {}), ...entries('needs' in shell ? shell.needs : {})]
  return [...('drvPath' in shell ? [shell.drvPath] : []), ...imports.map(([drvPath]) => drvPath)]
}

function outcomeOf(shell: EvaluatedShell): string {
  if ('error' in shell) return shell.error.replaceAll('\n', ' ')
  if ('drvPath' in shell) return shell.drvPath
  return `imports ${Object.keys(shell.needs).join(', ')}, which no cache has`
}

/** Whether an error is the answer to the job, rather than the builder's own failure. */
function isAboutTheSource(error: unknown): error is Error {
  return (
    error instanceof SourceNotFound || error instanceof FlakeDoesNotEvaluate || error instanceof NothingToWarm
  )
}

async function stageArchive(
  roots: StorePath[],
  { staging, folder, environment }: Workshop,
): Promise<{ sha256: string; bytes: number }> {
  const file = await writeArchive(roots, join(folder.path, 'archive.zst'), environment)
  await stageFile(staging, stagedKeys.archive(staging.prefix), file, { type: 'application/zstd' })
  return { sha256: Buffer.from(file.sha256).toString('hex'), bytes: file.bytes }
}
