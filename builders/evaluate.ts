import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import pLimit from 'p-limit'
import type { EvaluatedShell, Evaluation } from '../functions/shared/contract.ts'
import { stagedKeys } from '../functions/shared/keys.ts'
import type { StorePath } from '../nix/store-path.ts'
import { writeArchive } from './machine/archive.ts'
import { FlakeDoesNotEvaluate, NothingToWarm, SourceNotFound } from './machine/errors.ts'
import { evaluateSystem } from './evaluation/evaluate-system.ts'
import { fetchCommit, flakeReference } from './evaluation/fetch-commit.ts'
import type { EvaluationTask } from './machine/job.ts'
import { findShells } from './evaluation/list-shells.ts'
import { nixVersion } from './machine/nix-command.ts'
import { stageBytes, stageFile } from './machine/staging.ts'
import type { Workshop } from './machine/workshop.ts'
import { TimeBudget } from './evaluation/time-budget.ts'

/**
 * Evaluate: a commit to the derivations of its shells, and the archive of everything that they need. `evaluation.json` is staged last: who finds it finds
 * everything. A source that gives nothing to warm is a result, too, and says why.
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
    evaluation.shells = await evaluateShells(job, workshop)
    for (const shell of evaluation.shells) {
      say(`${shell.attribute}: ${outcomeOf(shell)}`)
    }
    const roots = evaluation.shells.flatMap((shell) => ('drvPath' in shell ? [shell.drvPath] : []))
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
  say(`evaluated ${evaluation.shells.length} shells, ${broken} of them broken`)
}

async function evaluateShells(job: EvaluationTask, workshop: Workshop): Promise<EvaluatedShell[]> {
  const { folder, environment, say } = workshop
  const source = join(folder.path, 'source')
  await fetchCommit(job.source, job.target.commit, source, environment)
  say(`fetched ${job.target.repository} ${job.target.commit}`)
  const bounds = { environment, megabytes: job.limits.megabytes }
  const found = await findShells(job, flakeReference(source, job.target.commit), bounds)
  const limit = pLimit(systemsAtOnce(job.limits.megabytes))
  const bySystem = await limit.map(found.systems, async ({ system, candidates }) => {
    say(`evaluating ${candidates.length} shells for ${system}`)
    const budget = new TimeBudget(job.limits.secondsPerSystem)
    return evaluateSystem(found.flake, system, candidates, budget)
  })
  const shells = bySystem.flat().filter((shell) => !('error' in shell && found.optional.has(shell.attribute)))
  return [...found.broken, ...shells]
}

/** As many as there are cores, and as fit into three quarters of the machine's memory: beyond that the kernel kills, and a sound shell looks broken. */
function systemsAtOnce(megabytes: number): number {
  const fitting = Math.floor((totalmem() * 0.75) / (megabytes * 1024 ** 2))
  return Math.max(1, Math.min(availableParallelism(), fitting))
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
