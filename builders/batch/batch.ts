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
  /** derivations that it needs of this batch, or of others that the machine has in hand */
  needs: StorePath[]
  /** every output of another derivation that it needs, of this batch or not */
  inputOutputs: StorePath[]
  /** those of them that caches have */
  inputs: StorePath[]
  /** its `inputSrcs`: the archive has brought them */
  sources: StorePath[]
  /** seconds from its start to the end of the last that needs it */
  path: number
  /** whether something outside of this batch waits for it */
  isAwaited: boolean
}

/**
 * Works out what each derivation of a batch needs, from the `.drv` files themselves: what Nix is going to build must not hang on somebody's list. What the job
 * lists besides is asked for, too.
 * @param isInHand whether this machine has a derivation of an earlier batch: who needs it gets it from there, if the job says so
 * @param read the content of a `.drv` file
 * @throws ArchiveRefused when the files contradict the job
 */
export function readBatch(
  derivations: BatchDerivation[],
  isInHand: (drvPath: StorePath) => boolean = () => false,
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
    const { drvPath, path, isAwaited } = derivation
    const fromHand = new Set(derivation.needs.filter(isInHand))
    const isNeed = (input: StorePath): boolean => planned.has(input) || fromHand.has(input)
    const drv = load(drvPath)
    const outputs = Object.keys(drv.outputs).map((name) => outputOf(drvPath, drv, name))
    checkOutputs(derivation, outputs)
    const used = [...drv.inputDrvs].map(([input, names]) => ({
      isNeed: isNeed(input),
      outputs: names.map((name) => outputOf(input, load(input), name)),
    }))
    const inputOutputs = used.flatMap(({ outputs }) => outputs)
    const others = used.filter(({ isNeed }) => !isNeed).flatMap(({ outputs }) => outputs)
    return {
      drvPath,
      name: derivationNameOf(drvPath),
      outputs,
      needs: [...drv.inputDrvs.keys()].filter(isNeed),
      inputOutputs,
      inputs: [...new Set([...others, ...derivation.inputs])],
      sources: drv.inputSrcs,
      path,
      isAwaited,
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
