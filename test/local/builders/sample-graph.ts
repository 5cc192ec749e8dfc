import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { graphOf } from '../../../functions/plan/graph-of.ts'
import type { BuildJob, EvaluationJob, Graph } from '../../../functions/shared/contract.ts'
import { verifyArchive } from '../../../nix/archive-verification.ts'
import { isStorePath, type StorePath } from '../../../nix/store-path.ts'
import { AwsDouble } from './aws-double.ts'
import { makeMachine } from './machine.ts'
import { HOST_SYSTEM, writeSampleFlake } from './sample-flake.ts'

/** Where a job says that the archive is: Plan copies it there. */
export const ARCHIVE = 'runs/run-1/archive.zst'

/** The sample flake, evaluated by the real evaluator, and batches of it. */
export class SampleGraph {
  readonly archive: Buffer
  readonly #graph: Graph

  constructor(archive: Buffer, graph: Graph) {
    this.archive = archive
    this.#graph = graph
  }

  /** A job to build these derivations, as Plan would write it. @param earlier what the machine has in hand besides */
  job(names: string[], changes: Partial<BuildJob> = {}, earlier: string[] = []): BuildJob {
    const drvPaths = names.map((name) => this.drvPathOf(name))
    const inHand = earlier.map((name) => this.drvPathOf(name))
    return {
      kind: 'build',
      run: 'run-1',
      batch: 'batch-1',
      wave: 1,
      system: HOST_SYSTEM,
      archive: { key: ARCHIVE, sha256: createHash('sha256').update(this.archive).digest('hex') },
      derivations: drvPaths.map((drvPath) => ({
        drvPath,
        outputs: this.outputsOf(drvPath),
        ...this.#needsOf(drvPath, [...drvPaths, ...inHand]),
        path: drvPaths.length,
        isAwaited: false,
      })),
      upstreams: [],
      publicKeys: [],
      maxNarSize: 1e9,
      ...changes,
    }
  }

  drvPathOf(name: string): StorePath {
    const all = Object.entries(this.#graph.derivations)
    const found = all.find(([, derivation]) => derivation.name === name)?.[0]
    if (found === undefined || !isStorePath(found)) throw new Error(`the graph has no ${name}`)
    return found
  }

  outputsOf(drvPath: StorePath): Record<string, StorePath> {
    return this.#graph.derivations[drvPath]?.outputs ?? {}
  }

  outputOf(name: string, output = 'out'): StorePath {
    const path = this.outputsOf(this.drvPathOf(name))[output]
    if (path === undefined) throw new Error(`${name} has no output ${output}`)
    return path
  }

  #needsOf(drvPath: StorePath, batch: StorePath[]): { inputs: StorePath[]; needs: StorePath[] } {
    const inputs = this.#graph.derivations[drvPath]?.inputDrvs ?? {}
    const inputDrvs = Object.entries(inputs) as [StorePath, string[]][]
    const planned = new Set(batch)
    return {
      needs: inputDrvs.map(([input]) => input).filter((input) => planned.has(input)),
      inputs: inputDrvs
        .filter(([input]) => !planned.has(input))
        .flatMap(([input, outputs]) => outputs.flatMap((output) => this.outputsOf(input)[output] ?? [])),
    }
  }
}

/**
 * Evaluates the sample flake on a machine of its own.
 * @param folder for everything that it needs @param builder the builder's bundle
 */
export async function evaluateSample(folder: string, builder: string): Promise<SampleGraph> {
  const source = join(folder, 'sample')
  const job: EvaluationJob = {
    kind: 'evaluate',
    run: 'run-1',
    target: { repository: 'example/sample', ref: 'refs/heads/main', commit: writeSampleFlake(source) },
    source,
    attributes: ['devShells'],
    systems: [HOST_SYSTEM],
    limits: { secondsPerSystem: 2, megabytes: 400 },
    config: 'unused here',
  }
  const aws = new AwsDouble()
  await aws.start()
  try {
    aws.put('state/job.json', JSON.stringify(job))
    const machine = makeMachine(join(folder, 'evaluator'))
    const environment = { ...aws.environment(), HEARTH_JOB: 'job.json', HEARTH_SANDBOX: 'false' }
    const ran = await machine.run([process.execPath, builder, 'evaluate'], environment)
    if (ran.status !== 0) throw new Error(ran.stdout + ran.stderr)
    const archive = aws.staged('archive.zst')
    const read = await verifyArchive([zstdDecompressSync(archive)], { maxSize: 1e9, maxDerivations: 1e9 })
    return new SampleGraph(archive, graphOf(read))
  } finally {
    await aws.stop()
  }
}
