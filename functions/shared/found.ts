import { hashPartOf, type StorePath } from '../../nix/store-path.ts'
import type { RunId } from './contract.ts'
import { stateKeys } from './keys.ts'
import { objectsUnder } from './list-objects.ts'
import { type Bucket, readJson, writeJson } from './objects.ts'

/** `runs/<run>/found/<hash part>.json`: derivations that the run wanted to build and that others had published meanwhile. */
interface Found {
  version: 1
  derivations: StorePath[]
}

/** Everything that this run was spared. */
export async function readFound(state: Bucket, run: RunId): Promise<Set<StorePath>> {
  const keys = (await objectsUnder(state, stateKeys.founds(run))).keys()
  const parts = await Promise.all([...keys].map((key) => readJson<Found>(state, key)))
  return new Set(parts.flatMap(({ derivations }) => derivations))
}

export async function noteFound(state: Bucket, run: RunId, derivations: StorePath[]): Promise<void> {
  const [first] = derivations
  if (first === undefined) return
  const found: Found = { version: 1, derivations }
  await writeJson(state, stateKeys.found(run, hashPartOf(first)), found)
}
