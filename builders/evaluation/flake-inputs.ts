import * as z from 'zod/mini'
import { isStorePath, type StorePath } from '../../nix/store-path.ts'
import { evaluateBounded } from './bounded-evaluation.ts'
import { explain, type Source } from './evaluate-system.ts'
import { flakeInputs } from './expressions.ts'
import { Imports } from './imports.ts'

const Paths = z.array(z.string())

/**
 * The sources of all inputs that a flake has locked, and of their inputs: where they lie in the store. All of them are fetched, also those that no shell
 * needs.
 * @returns what is wrong instead, when one cannot be fetched
 */
export async function findFlakeInputs(
  source: Source,
  seconds: number,
): Promise<{ paths: StorePath[] } | { error: string }> {
  const ending = await evaluateBounded(
    flakeInputs(source.root),
    { ...source, settings: [...source.settings, ...Imports.none] },
    () => seconds,
  )
  if (ending.result === undefined) return { error: explain(source, ending) }
  // An input that is a folder of another one's source comes with that.
  return { paths: Paths.parse(JSON.parse(ending.result)).filter(isStorePath) }
}
