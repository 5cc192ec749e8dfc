import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import type { EvaluatedShell, Evaluation, Graph } from '../functions/shared/contract.ts'
import { stagedKeys } from '../functions/shared/keys.ts'
import type { StorePath } from '../nix/store-path.ts'
import { writeArchive } from './archive.ts'
import { FlakeDoesNotEvaluate, NothingToWarm, SourceNotFound } from './errors.ts'
import { evaluateSystem } from './evaluate-system.ts'
import { fetchCommit, flakeReference } from './fetch-commit.ts'
import { readGraph } from './graph.ts'
import { inParallel } from './in-parallel.ts'
import type { EvaluationTask } from './job.ts'
import { findShells } from './list-shells.ts'
import { nixVersion } from './nix-command.ts'
import { type Staging, stageBytes, stageFile } from './staging.ts'
import { TimeBudget } from './time-budget.ts'
import type { WorkFolder } from './work-folder.ts'

/** What both commands work with. */
export interface Workshop {
  staging: Staging
  folder: WorkFolder
  environment: Record<string, string>
  /** prints one line about an event, for people */
  say: (line: string) => void
}

/**
 * Evaluate: a commit to the graph of everything its shells need, and the archive that builders need. Staged in this order, `evaluation.json` last: who finds
 * it finds everything. A source that gives nothing to warm is a result, too, and says why.
 */
export async function evaluate(job: EvaluationTask, workshop: Workshop): Promise<void> {
  const { staging, say } = workshop
  const evaluation: Evaluation = {
    version: 1,
    run: job.run,
    target: job.target,
    nixVersion: await nixVersion(workshop.environment),
    shells: [],
  }
  try {
    const { graph, shells } = readGraph(await evaluateShells(job, workshop))
    evaluation.shells = shells
    for (const shell of shells) {
      say(`${shell.attribute}: ${'error' in shell ? shell.error.replaceAll('\n', ' ') : shell.drvPath}`)
    }
    await stageGraph(staging, graph)
    evaluation.graph = { derivations: Object.keys(graph.derivations).length }
    const roots = shells.flatMap((shell) => ('drvPath' in shell ? [shell.drvPath] : []))
    if (roots.length > 0) evaluation.archive = await stageArchive(roots, workshop)
  } catch (error) {
    if (!isAboutTheSource(error)) throw error
    say(`${error.name}: ${error.message}`)
    evaluation.error = { name: error.name, message: error.message }
  }
  await stageBytes(staging, stagedKeys.evaluation(staging.prefix), Buffer.from(JSON.stringify(evaluation)), {
    type: 'application/json',
  })
  const broken = evaluation.shells.filter((shell) => 'error' in shell).length
  say(
    `evaluated ${evaluation.shells.length} shells, ${broken} of them broken; ${evaluation.graph?.derivations ?? 0} derivations`,
  )
}

async function evaluateShells(job: EvaluationTask, workshop: Workshop): Promise<EvaluatedShell[]> {
  const { folder, environment, say } = workshop
  const source = join(folder.path, 'source')
  await fetchCommit(job.source, job.target.commit, source, environment)
  say(`fetched ${job.target.repository} ${job.target.commit}`)
  const bounds = { environment, megabytes: job.limits.megabytes }
  const found = await findShells(job, flakeReference(source, job.target.commit), bounds)
  const bySystem = await inParallel(availableParallelism(), found.systems, async ({ system, candidates }) => {
    say(`evaluating ${candidates.length} shells for ${system}`)
    const budget = new TimeBudget(job.limits.secondsPerSystem)
    return evaluateSystem(found.flake, system, candidates, budget)
  })
  const shells = bySystem.flat().filter((shell) => !('error' in shell && found.optional.has(shell.attribute)))
  return [...found.broken, ...shells]
}

/** Whether an error is the answer to the job, rather than the builder's own failure. */
function isAboutTheSource(error: unknown): error is Error {
  return (
    error instanceof SourceNotFound || error instanceof FlakeDoesNotEvaluate || error instanceof NothingToWarm
  )
}

async function stageGraph(staging: Staging, graph: Graph): Promise<void> {
  const bytes = await promisify(zstdCompress)(Buffer.from(JSON.stringify(graph)))
  await stageBytes(staging, stagedKeys.graph(staging.prefix), bytes, { type: 'application/zstd' })
}

async function stageArchive(
  roots: StorePath[],
  { staging, folder, environment }: Workshop,
): Promise<{ sha256: string; bytes: number }> {
  const file = await writeArchive(roots, join(folder.path, 'archive.zst'), environment)
  await stageFile(staging, stagedKeys.archive(staging.prefix), file, { type: 'application/zstd' })
  return { sha256: Buffer.from(file.sha256).toString('hex'), bytes: file.bytes }
}
