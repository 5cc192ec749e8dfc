import type { S3Client } from '@aws-sdk/client-s3'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { StorePath } from '../nix/store-path.ts'
import { importArchive } from './machine/archive.ts'
import { blockedBy, type PlannedDerivation, readBatch } from './batch/batch.ts'
import { startBridge } from './bridge.ts'
import { BuildQueue } from './batch/build-queue.ts'
import { ArchiveRefused, BatchIncomplete } from './machine/errors.ts'
import type { Workshop } from './machine/workshop.ts'
import type { BuildTask } from './machine/job.ts'
import { LocalStore } from './machine/local-store.ts'
import { Progress } from './batch/progress.ts'
import { type BuildsEnding, runBuilds } from './batch/run-builds.ts'
import { proveSandbox } from './machine/self-test.ts'
import type { Sandbox } from './machine/settings.ts'
import { substitute } from './batch/substitute.ts'
import { Uploader } from './batch/uploader.ts'

/** What a build needs beyond what an evaluation needs. */
export interface BuildWorkshop extends Workshop {
  s3: S3Client
  stateBucket: string
  cacheBucket: string
  sandbox: Sandbox
  zstdLevel: number
}

/**
 * Build: a batch to staged, unsigned NARs and a result for each derivation, each staged as soon as it is built.
 * @throws MachineLeaks, ArchiveRefused before anything is built
 * @throws BatchIncomplete when a derivation has no result: it is neither built nor failed, or could not be staged. All the others are staged
 */
export async function build(job: BuildTask, workshop: BuildWorkshop): Promise<void> {
  const { environment, folder, say } = workshop
  await proveSandbox({ ...workshop, folder: folder.path })
  const store = new LocalStore(environment)
  await importArchive(
    { s3: workshop.s3, bucket: workshop.stateBucket, ...job.archive },
    join(folder.path, 'archive.zst'),
    environment,
  )
  const batch = await readImported(job, store)
  say(`batch of ${batch.length} derivations for ${job.system}, wave ${job.wave}`)
  const missing = await fetchInputs(batch, job, store, workshop)

  const sources = await closureOfSources(batch, missing, store)
  const progress = new Progress(batch.length, say)
  const uploader = new Uploader({ ...workshop, folder: folder.path, store, progress }, sources)
  const ready = leaveOut(batch, missing, (derivation, paths) => {
    progress.notTried(derivation, `no cache has ${paths.join(', ')}`)
    uploader.notTried(derivation, { status: 'input-missing', missing: paths })
  })
  const unexplained = await buildAndUpload(ready, store, uploader, progress, workshop)
  await uploader.finish()
  say(`${batch.length} derivations: ${uploader.summary()}`)
  const problems = [...uploader.problems, ...unexplained]
  if (problems.length > 0) throw new BatchIncomplete(`without a result:\n${problems.join('\n')}`)
}

async function readImported(job: BuildTask, store: LocalStore): Promise<PlannedDerivation[]> {
  const invalid = await store.invalid(job.derivations.map(({ drvPath }) => drvPath))
  if (invalid.size > 0) {
    throw new ArchiveRefused(
      `the evaluation's archive does not hold ${[...invalid].join(', ')}, which the batch builds`,
    )
  }
  return readBatch(job.derivations)
}

/** @returns for each derivation that lacks some, the inputs that are still not there */
async function fetchInputs(
  batch: PlannedDerivation[],
  job: BuildTask,
  store: LocalStore,
  { s3, cacheBucket, environment, say }: BuildWorkshop,
): Promise<Map<StorePath, StorePath[]>> {
  const inputs = [...new Set(batch.flatMap(({ inputs }) => inputs))]
  const wanted = [...(await store.invalid(inputs))]
  if (wanted.length > 0) {
    const bridge = await startBridge({ s3, bucket: cacheBucket })
    try {
      const { publicKeys, upstreams } = job
      await substitute(wanted, { bridge: bridge.url, publicKeys, upstreams }, environment, say)
    } finally {
      await bridge.close()
    }
  }
  const sources = batch.flatMap(({ sources }) => sources)
  const missing = await store.invalid([...new Set([...inputs, ...sources])])
  say(
    `inputs: ${inputs.length - wanted.length} were here, ${wanted.length} to fetch, ${missing.size} missing`,
  )
  const lacking = new Map<StorePath, StorePath[]>()
  for (const { drvPath, inputs, sources } of batch) {
    const lacks = [...inputs, ...sources].filter((path) => missing.has(path))
    if (lacks.length > 0) lacking.set(drvPath, lacks)
  }
  return lacking
}

async function closureOfSources(
  batch: PlannedDerivation[],
  missing: Map<StorePath, StorePath[]>,
  store: LocalStore,
): Promise<Set<StorePath>> {
  const complete = batch.filter(({ drvPath }) => !missing.has(drvPath))
  const sources = complete.flatMap(({ sources }) => sources)
  const all = new Set([...sources, ...complete.flatMap(({ inputs }) => inputs)])
  await store.preload([...all])
  return new Set((await store.closure([...new Set(sources)])).map(({ path }) => path))
}

/** Takes out what has a reason not to be built, and everything that needs it. @returns the others */
function leaveOut(
  batch: PlannedDerivation[],
  reasons: Map<StorePath, StorePath[]>,
  onLeftOut: (derivation: PlannedDerivation, because: StorePath[]) => void,
): PlannedDerivation[] {
  const blocked = blockedBy(batch, reasons)
  for (const { derivation, because } of blocked) onLeftOut(derivation, because)
  const leftOut = new Set(blocked.map(({ derivation }) => derivation))
  return batch.filter((derivation) => !leftOut.has(derivation))
}

/** @returns what is neither built nor failed, and why */
async function buildAndUpload(
  ready: PlannedDerivation[],
  store: LocalStore,
  uploader: Uploader,
  progress: Progress,
  { folder, environment, sandbox }: BuildWorkshop,
): Promise<string[]> {
  const byPath = new Map(ready.map((derivation) => [derivation.drvPath, derivation]))
  const hookFolder = join(folder.path, 'hook')
  mkdirSync(hookFolder)
  const queue = new BuildQueue(hookFolder, (drvPath) => {
    const derivation = byPath.get(drvPath)
    if (derivation !== undefined && !uploader.has(drvPath))
      uploader.built(derivation, progress.built(derivation))
  })
  const withPath = (drvPath: StorePath, tell: (derivation: PlannedDerivation) => void): void => {
    const derivation = byPath.get(drvPath)
    if (derivation !== undefined) tell(derivation)
  }
  const settings = { environment, sandbox, hook: queue.hook }
  const ending = await runBuilds(ready, store, settings, {
    started: (drvPath) => withPath(drvPath, (derivation) => progress.started(derivation)),
    failed: (drvPath, message) => withPath(drvPath, (derivation) => progress.failed(derivation, message)),
  }).finally(() => queue.close())
  return settle(ready, ending, store, uploader, progress)
}

/** Decides by what is valid in the store, not by what Nix said, what was built. @returns what is neither built nor failed, and why */
async function settle(
  ready: PlannedDerivation[],
  { failures, unexplained = 'it lost an output' }: BuildsEnding,
  store: LocalStore,
  uploader: Uploader,
  progress: Progress,
): Promise<string[]> {
  // What came from an earlier batch of this machine went through no hook.
  const invalid = await store.invalid(ready.flatMap(({ outputs }) => outputs))
  const unbuilt = ready.filter((derivation) => {
    if (derivation.outputs.some((path) => invalid.has(path))) return true
    if (!uploader.has(derivation.drvPath)) {
      progress.present(derivation)
      uploader.built(derivation, 0)
    }
    return false
  })
  const names = new Map(ready.map(({ drvPath, name }) => [drvPath, name]))
  const reasons = new Map([...failures.keys()].map((drvPath) => [drvPath, [drvPath]]))
  const rest = leaveOut(unbuilt, reasons, (derivation, because) => {
    const message = failures.get(derivation.drvPath)
    if (message !== undefined) return uploader.failed(derivation, message)
    const needed = because.map((drvPath) => names.get(drvPath) ?? drvPath)
    progress.notTried(derivation, `it needs ${needed.join(', ')}`)
    uploader.notTried(derivation, { status: 'dependency-failed', because })
  })
  return rest.map(({ name }) => `${name}: not built, and Nix does not say why: ${unexplained}`)
}
