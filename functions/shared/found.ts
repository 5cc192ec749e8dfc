import { hashPartOf, type StorePath } from '../../nix/store-path.ts'
import type { RunId } from './contract.ts'
import { stateKeys } from './keys.ts'
import { objectsUnder } from './list-objects.ts'
import { type Bucket, readJson, writeJson } from './objects.ts'

/** `runs/<run>/found/<wave>/<hash part>.json`: derivations that the run wanted to build, and that others had built meanwhile. */
interface Found {
  version: 1
  wave: number
  /** published */
  derivations: StorePath[]
  /** these fail for a reason of their own */
  failed?: StorePath[]
}

/** What a run was spared. */
export interface FoundDerivations {
  now: Set<StorePath>
  /** in earlier waves: what is missing all the same is not found a second time */
  before: Set<StorePath>
  /** what need not be tried */
  failed: Set<StorePath>
}

export async function readFound(state: Bucket, run: RunId, wave: number): Promise<FoundDerivations> {
  const keys = [...(await objectsUnder(state, stateKeys.founds(run))).keys()]
  const parts = await Promise.all(keys.map((key) => readJson<Found>(state, key)))
  const of = (isMeant: (part: Found) => boolean): Set<StorePath> =>
    new Set(parts.filter(isMeant).flatMap(({ derivations }) => derivations))
  return {
    now: of((part) => part.wave === wave),
    before: of((part) => part.wave < wave),
    failed: new Set(parts.flatMap(({ failed = [] }) => failed)),
  }
}

export async function noteFound(
  state: Bucket,
  { run, wave }: { run: RunId; wave: number },
  derivations: StorePath[],
  failed: StorePath[] = [],
): Promise<void> {
  const [first] = [...derivations, ...failed]
  if (first === undefined) return
  const found: Found = { version: 1, wave, derivations, ...(failed.length > 0 ? { failed } : {}) }
  await writeJson(state, stateKeys.found(run, wave, hashPartOf(first)), found)
}
