import { readFileSync } from 'node:fs'
import type { BatchDerivation } from '../../functions/shared/contract.ts'
import { type Derivation, derivationNameOf, parseDerivation } from '../../nix/derivation.ts'
import type { StorePath } from '../../nix/store-path.ts'
import { ArchiveRefused } from '../machine/errors.ts'

/** One derivation of a batch, as its own `.drv` file has it. */
export interface PlannedDerivation {
  drvPath: StorePath
  name: string
  outputs: StorePath[]
  /** derivations of this batch that it needs */
  needs: StorePath[]
  /** every output of another derivation that it needs, of this batch or not */
  inputOutputs: StorePath[]
  /** those of them that this batch does not build */
  inputs: StorePath[]
  /** its `inputSrcs`: the archive has brought them */
  sources: StorePath[]
}

/**
 * Works out what each derivation of a batch needs, from the `.drv` files themselves: what Nix is going to build must not hang on somebody's list. What the job
 * lists besides is asked for, too.
 * @param read the content of a `.drv` file
 * @throws ArchiveRefused when the files contradict the job
 */
export function readBatch(
  derivations: BatchDerivation[],
  read: (path: StorePath) => Uint8Array = (path) => readFileSync(path),
): PlannedDerivation[] {
  const files = new Map<StorePath, Derivation>()
  const load = (path: StorePath): Derivation => {
    const known = files.get(path)
    if (known !== undefined) return known
    const drv = parseDerivation(read(path))
    files.set(path, drv)
    return drv
  }
  const planned = new Set(derivations.map(({ drvPath }) => drvPath))
  return derivations.map((derivation) => {
    const { drvPath } = derivation
    const drv = load(drvPath)
    const outputs = Object.keys(drv.outputs).map((name) => outputOf(drvPath, drv, name))
    checkOutputs(derivation, outputs)
    const used = [...drv.inputDrvs].map(([input, names]) => ({
      isPlanned: planned.has(input),
      outputs: names.map((name) => outputOf(input, load(input), name)),
    }))
    const inputOutputs = used.flatMap(({ outputs }) => outputs)
    const unplanned = used.filter(({ isPlanned }) => !isPlanned).flatMap(({ outputs }) => outputs)
    return {
      drvPath,
      name: derivationNameOf(drvPath),
      outputs,
      needs: [...drv.inputDrvs.keys()].filter((input) => planned.has(input)),
      inputOutputs,
      inputs: [...new Set([...unplanned, ...derivation.inputs])],
      sources: drv.inputSrcs,
    }
  })
}

function outputOf(drvPath: StorePath, drv: Derivation, name: string): StorePath {
  const path = drv.outputs[name]?.path
  if (path === undefined)
    throw new ArchiveRefused(`${drvPath} has no output '${name}', but another derivation uses it`)
  if (path === '')
    throw new ArchiveRefused(`${drvPath}: the path of its output '${name}' is known only after a build`)
  return path
}

function checkOutputs({ drvPath, outputs }: BatchDerivation, found: StorePath[]): void {
  const planned = Object.values(outputs)
  if (planned.length === found.length && planned.every((path) => found.includes(path))) return
  throw new ArchiveRefused(
    `${drvPath} has the outputs ${found.join(', ')}, but the batch expects ${planned.join(', ')}`,
  )
}

/** What cannot be built in a batch, and why. */
export interface Blocked {
  derivation: PlannedDerivation
  /** everything that is to blame, its own reasons first */
  because: StorePath[]
}

/**
 * Those derivations of a batch that have a reason not to be built, or need one that has, directly or not.
 * @param reasons of the derivations that have reasons of their own
 */
export function blockedBy(batch: PlannedDerivation[], reasons: Map<StorePath, StorePath[]>): Blocked[] {
  const byPath = new Map(batch.map((derivation) => [derivation.drvPath, derivation]))
  const known = new Map<StorePath, Set<StorePath>>()
  const causes = (path: StorePath): Set<StorePath> => {
    const before = known.get(path)
    if (before !== undefined) return before
    const found = new Set(reasons.get(path))
    known.set(path, found)
    for (const need of byPath.get(path)?.needs ?? []) for (const cause of causes(need)) found.add(cause)
    return found
  }
  return batch
    .map((derivation) => ({ derivation, because: [...causes(derivation.drvPath)] }))
    .filter(({ because }) => because.length > 0)
}
